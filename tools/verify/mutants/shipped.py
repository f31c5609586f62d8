"""How many mutants the tests that a project ships would catch: its dbt tests and unit tests."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from tools.sql.mutate.mutant import Mutant
from tools.sql.mutate.program import THIS, Program, renamed
from tools.verify.mutants.bench import Batches, Rig, Setting
from tools.verify.mutants.run import Given, batches_of, match_relations
from tools.verify.mutants.schedule import round_robin, work
from tools.verify.mutants.session import Failed
from tools.verify.mutants.store import Prepare, nothing
from tools.verify.mutants.unit import UnitBench, UnitTest

BUILD = "build"
"""What catches a mutant that fails to run at all."""


@dataclass(frozen=True)
class TestQuery:
    """A data test: a query over the model's relation that gives the rows which are wrong."""

    name: str
    sql: str


@dataclass(frozen=True)
class ShippedResult:
    """What the shipped tests caught.

    Args:
        caught: the test that caught each mutant, None for those that passed; in the order of the
            mutants. Those that time did not suffice for are not among them.
        mutants: the mutants that were tried, in the same order.
        blind: tests that fail (or fail to run) on the original with every data set, so that they
            say nothing here.
        not_tried: how many mutants time did not suffice for.
        seconds: how long it took.
    """

    mutants: tuple[Mutant, ...]
    caught: tuple[str | None, ...]
    blind: tuple[str, ...] = ()
    not_tried: int = 0
    seconds: float = 0.0

    @property
    def rate(self) -> float | None:
        """Caught among those that were tried; None of none."""
        if not self.caught:
            return None
        return sum(c is not None for c in self.caught) / len(self.caught)

    @property
    def survivors(self) -> tuple[Mutant, ...]:
        """The mutants that no shipped test catches."""
        pairs = zip(self.mutants, self.caught, strict=True)
        return tuple(m for m, by in pairs if by is None)

    def by_test(self) -> dict[str, int]:
        """How many mutants each test was the first to catch, most first."""
        return dict(Counter(c for c in self.caught if c is not None).most_common())


def shipped_kill_rate(
    original: Program | str,
    mutants: Sequence[Mutant],
    datasets: Sequence[Given],
    *,
    relation: str,
    tests: Sequence[TestQuery] = (),
    unit_tests: Sequence[UnitTest] = (),
    relations: Mapping[str, str] | None = None,
    prepare: Prepare = nothing,
    deadline: float | None = None,
    threads: int = 2,
    query_seconds: float = 2.0,
) -> ShippedResult:
    """Runs the shipped tests on what mutants give.

    A data test counts on a data set only when it passes there on the original's rows, a unit test
    only when the original passes it.

    Args:
        original: what the model runs.
        mutants: of it: valid ones that are not equivalent, or the rate says little.
        datasets: rows of the relations that the model reads; tests may read further ones.
        relation: the name of the model's own relation in the tests.
        tests: compiled data tests.
        unit_tests: with rows of their own.
        relations: as for :func:`tools.verify.mutants.run.run_mutants`, and those that only the
            tests read.
        prepare: likewise.
        deadline: likewise.
        threads: likewise.
        query_seconds: likewise.

    Raises:
        SqlError: a test that is not one query.
        UsageError: a relation that is in no data set.
    """
    started = time.monotonic()
    program = Program(original) if isinstance(original, str) else original
    own = [TestQuery(t.name, renamed(t.sql, relation)) for t in tests]
    names = dict(relations) if relations else _names(program, own, datasets)
    caught: dict[int, str | None] = {}
    with ExitStack() as stack:
        rig = Rig(Setting(names, prepare, query_seconds), stack)
        benches = [_TestBench(program, own, batches_of(g), rig) for g in datasets]
        units = [u for u in (UnitBench(program, t, rig) for t in unit_tests) if u.usable]

        def one(index: int) -> None:
            caught[index] = _caught(mutants[index].program, benches, units)

        work(round_robin(mutants), one, deadline, threads)
        seeing = {name for b in benches for name in b.usable} | {u.name for u in units}
    tried = sorted(caught)
    offered = (*(t.name for t in own), *(u.name for u in unit_tests))
    return ShippedResult(
        tuple(mutants[i] for i in tried),
        tuple(caught[i] for i in tried),
        tuple(name for name in offered if name not in seeing),
        len(mutants) - len(tried),
        time.monotonic() - started,
    )


def _names(
    program: Program, tests: Sequence[TestQuery], datasets: Sequence[Given]
) -> dict[str, str]:
    """The relations that the model and its tests read."""
    found = match_relations(program, datasets)
    for test in tests:
        found |= match_relations(Program(test.sql), datasets)
    return found


def _caught(
    program: Program, benches: Sequence[_TestBench], units: Sequence[UnitBench]
) -> str | None:
    for unit in units:
        if unit.catches(program):
            return unit.name
    for bench in benches:
        name = bench.caught_by(program)
        if name is not None:
            return name
    return None


class _TestBench:
    """A data set with the data tests that pass on what the original gives there."""

    def __init__(
        self, program: Program, tests: Sequence[TestQuery], batches: Batches, rig: Rig
    ) -> None:
        repeated = batches * 2 if program.incremental and len(batches) == 1 else batches
        self._bench = rig.bench(repeated[0].name, repeated)
        self.usable: dict[str, str] = {}
        try:
            self._bench.expect(program)
            self._build(program)
        except Failed:
            return
        self.usable = {t.name: t.sql for t in tests if self._passes(t.sql)}

    def _build(self, program: Program) -> None:
        """Leaves the rows of a program in the table ``this``."""
        if program.incremental:
            self._bench.rows(program)
        else:
            self._bench.session().run(f"create or replace temp table {THIS} as {program.sql}")

    def _passes(self, sql: str) -> bool:
        try:
            found = self._bench.session().run(f"select count(*) from ({sql}) as failing")
            return int(found[0][0]) == 0
        except Failed:
            return False

    def caught_by(self, program: Program) -> str | None:
        """The first test that fails on a program; ``build`` when it does not even run."""
        if not self.usable:
            return None
        try:
            self._build(program)
        except Failed:
            return BUILD
        return next((name for name, sql in self.usable.items() if not self._passes(sql)), None)


def counted(mutants: Sequence[Mutant], statuses: Sequence[str]) -> list[Mutant]:
    """The mutants that a rate is about: killed or undecided, so valid and not equivalent."""
    pairs = zip(mutants, statuses, strict=True)
    return [m for m, status in pairs if status in ("killed", "undecided")]
