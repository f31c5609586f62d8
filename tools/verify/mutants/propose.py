"""dbt unit tests that kill what the shipped tests let live: few tests, few rows."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

from tools.sql.mutate.mutant import Mutant
from tools.sql.mutate.program import Program
from tools.verify.mutants.bench import Rig, Setting
from tools.verify.mutants.forms import Form, forms_of
from tools.verify.mutants.probe import Place
from tools.verify.mutants.reduce import smallest
from tools.verify.mutants.run import Given, batches_of, match_relations
from tools.verify.mutants.store import Prepare, nothing
from tools.verify.mutants.unit import UnitTest

ROWS = 12
"""Given rows that one test may have: more, and nobody reads it."""

MOST = 12
"""Tests that may be proposed for one model."""


@dataclass(frozen=True)
class Proposal:
    """A unit test that kills mutants which no shipped test kills."""

    test: UnitTest
    kills: tuple[Mutant, ...]


@dataclass(frozen=True)
class Proposals:
    """What is proposed.

    Args:
        tests: in the order in which they were found useful.
        left: mutants that none of them kills: no data set tells them apart, only the load
            differs, or time was up.
        seconds: how long it took.
    """

    tests: tuple[Proposal, ...]
    left: tuple[Mutant, ...]
    seconds: float = 0.0


def propose_unit_tests(
    original: Program | str,
    survivors: Sequence[Mutant],
    datasets: Sequence[Given],
    *,
    name: str,
    relations: Mapping[str, str] | None = None,
    prepare: Prepare = nothing,
    deadline: float | None = None,
    query_seconds: float = 2.0,
    rows: int = ROWS,
    ignore: Collection[str] = (),
    most: int = MOST,
) -> Proposals:
    """Unit tests that kill survivors, greedily: rows are added that kill one more.

    Args:
        original: what the model runs.
        survivors: mutants that the shipped tests let live.
        datasets: that tell them from the original, the most telling first.
        name: of the model; tests are named after it.
        relations: as for :func:`tools.verify.mutants.run.run_mutants`.
        prepare: likewise.
        deadline: likewise; what was found by then is given.
        query_seconds: likewise.
        rows: how many given rows one test may have.
        ignore: names of output columns that tests are not to compare.
        most: how many tests there may be.

    Raises:
        UsageError: a relation that is in no data set.
    """
    started = time.monotonic()
    program = Program(original) if isinstance(original, str) else original
    work = _Work(name, list(survivors), rows, deadline, most)
    with ExitStack() as stack:
        known = relations or match_relations(program, datasets)
        rig = Rig(Setting(known, prepare, query_seconds), stack)
        for given in datasets:
            if work.done:
                break
            for form in forms_of(program, batches_of(given), rig, ignore):
                work.use(form)
    return Proposals(tuple(work.found), tuple(work.left), time.monotonic() - started)


@dataclass
class _Work:
    """Tests that were found, mutants that are left."""

    name: str
    left: list[Mutant]
    rows: int
    deadline: float | None
    most: int
    found: list[Proposal] = field(default_factory=list)

    @property
    def late(self) -> bool:
        """Whether time is up."""
        return self.deadline is not None and time.monotonic() >= self.deadline

    @property
    def done(self) -> bool:
        """Whether nothing is left, time is up, or there are enough tests."""
        return not self.left or self.late or len(self.found) >= self.most

    def use(self, place: Form) -> None:
        """Makes tests of one data set: rows are added as long as a test stays small."""
        chosen: list[Place] = []
        killed: list[Mutant] = []
        for mutant in list(self.left):
            if self.done:
                break
            if mutant not in self.left:  # a test that was kept meanwhile kills it
                continue
            if chosen and place.tells(mutant, chosen):
                killed.append(mutant)
                continue
            if not place.tells(mutant, place.probe.places):
                continue
            more = smallest(place.probe.places, partial(place.tells, mutant))
            union = list(dict.fromkeys([*chosen, *more]))
            if chosen and (len(union) > self.rows or not self._all(place, killed, union)):
                self._keep(place, chosen, killed)
                union, killed = more, []
            chosen, killed = union, [*killed, mutant]
        self._keep(place, chosen, killed)

    def _all(self, place: Form, mutants: Sequence[Mutant], rows: Sequence[Place]) -> bool:
        return all(place.tells(m, rows) for m in mutants)

    def _keep(self, place: Form, rows: Sequence[Place], killed: list[Mutant]) -> None:
        if not rows or not killed or len(self.found) >= self.most:
            return
        others = [m for m in self.left if m not in killed and place.tells(m, rows)]
        test = _test(place, rows, f"{self.name}_case_{len(self.found) + 1}", killed)
        self.found.append(Proposal(test, (*killed, *others)))
        gone = {id(m) for m in (*killed, *others)}
        self.left = [m for m in self.left if id(m) not in gone]


def _test(place: Form, rows: Sequence[Place], name: str, killed: Sequence[Mutant]) -> UnitTest:
    words = re.sub(r"\W+", "_", killed[0].operator)
    given, expected = place.given(rows), place.expected(rows)
    return UnitTest(f"{name}_{words}", given, expected, place.index == 1)
