"""dbt unit tests that kill what the shipped tests let live: few tests, few rows."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial

from tools.sql.mutate.mutant import Mutant
from tools.sql.mutate.program import THIS, Program
from tools.verify.dataset import Dataset, Table
from tools.verify.mutants.bench import Batches, Rig, Setting, reverse
from tools.verify.mutants.probe import Place, Probe
from tools.verify.mutants.reduce import smallest
from tools.verify.mutants.run import Given, batches_of, match_relations
from tools.verify.mutants.session import Failed
from tools.verify.mutants.stability import stable_columns
from tools.verify.mutants.store import Prepare, nothing
from tools.verify.mutants.unit import UnitTest

ROWS = 12
"""Given rows that one test may have: more, and nobody reads it."""


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
) -> Proposals:
    """Unit tests that kill survivors, greedily: the data set that tells most apart comes first.

    Args:
        original: what the model runs.
        survivors: mutants that the shipped tests let live.
        datasets: that tell them from the original.
        name: of the model; tests are named after it.
        relations: as for :func:`tools.verify.mutants.run.run_mutants`.
        prepare: likewise.
        deadline: likewise; what was found by then is given.
        query_seconds: likewise.
        rows: how many given rows one test may have.

    Raises:
        UsageError: a relation that is in no data set.
    """
    started = time.monotonic()
    program = Program(original) if isinstance(original, str) else original
    work = _Work(name, list(survivors), rows, deadline)
    with ExitStack() as stack:
        known = relations or match_relations(program, datasets)
        rig = Rig(Setting(known, prepare, query_seconds), stack)
        fields = [f for g in datasets for f in _fields(program, batches_of(g), rig)]
        while work.left and fields and not work.late:
            best = max(fields, key=lambda f: len(f.kills(work.left, work)))
            if not best.kills(work.left, work):
                break
            work.use(best)
            fields.remove(best)
    return Proposals(tuple(work.found), tuple(work.left), time.monotonic() - started)


class _Field:
    """One form of the program on one data set."""

    def __init__(self, probe: Probe, form: int, original: Program, columns: list[int]) -> None:
        self.probe, self.form, self.original, self.columns = probe, form, original, columns
        self._known: dict[int, bool] = {}

    def program(self, mutant: Mutant) -> Program:
        """The form of a mutant that is looked at."""
        return Program(mutant.program.queries[self.form])

    def tells(self, mutant: Mutant, places: Sequence[Place]) -> bool:
        """Whether some rows tell a mutant from the original."""
        program = self.program(mutant)
        if program == self.original:
            return False
        return self.probe.differs(self.original, program, places, self.columns)

    def kills(self, mutants: Sequence[Mutant], work: _Work) -> list[Mutant]:
        """The mutants that all rows together tell from the original."""
        for mutant in mutants:
            if id(mutant) not in self._known and not work.late:
                self._known[id(mutant)] = self.tells(mutant, self.probe.places)
        return [m for m in mutants if self._known.get(id(m))]


@dataclass
class _Work:
    """Tests that were found, mutants that are left."""

    name: str
    left: list[Mutant]
    rows: int
    deadline: float | None
    found: list[Proposal] = field(default_factory=list)

    @property
    def late(self) -> bool:
        """Whether time is up."""
        return self.deadline is not None and time.monotonic() >= self.deadline

    def use(self, place: _Field) -> None:
        """Makes tests of one data set: rows are added as long as a test stays small."""
        chosen: list[Place] = []
        killed: list[Mutant] = []
        for mutant in place.kills(self.left, self):
            if self.late:
                break
            if chosen and place.tells(mutant, chosen):
                killed.append(mutant)
                continue
            more = smallest(place.probe.places, partial(place.tells, mutant))
            union = list(dict.fromkeys([*chosen, *more]))
            if chosen and (len(union) > self.rows or not self._all(place, killed, union)):
                self._keep(place, chosen, killed)
                union, killed = more, []
            chosen, killed = union, [*killed, mutant]
        self._keep(place, chosen, killed)

    def _all(self, place: _Field, mutants: Sequence[Mutant], rows: Sequence[Place]) -> bool:
        return all(place.tells(m, rows) for m in mutants)

    def _keep(self, place: _Field, rows: Sequence[Place], killed: list[Mutant]) -> None:
        if not rows or not killed:
            return
        others = [m for m in self.left if m not in killed and place.tells(m, rows)]
        test = _test(place, rows, f"{self.name}_case_{len(self.found) + 1}", killed)
        self.found.append(Proposal(test, (*killed, *others)))
        gone = {id(m) for m in (*killed, *others)}
        self.left = [m for m in self.left if id(m) not in gone]


def _test(place: _Field, rows: Sequence[Place], name: str, killed: Sequence[Mutant]) -> UnitTest:
    probe = place.probe
    probe.choose(rows)
    types = probe.types(place.original)
    expected = [tuple(r[i] for i in place.columns) for r in probe.rows(place.original)]
    given = {}
    for relation, reference in probe.relations.items():
        table = probe.dataset.tables[reference]
        indexes = sorted(i for n, i in rows if n == relation)
        given[relation] = table.with_rows(table.rows[i] for i in indexes)
    words = re.sub(r"\W+", "_", killed[0].operator)
    columns = tuple(types[i] for i in place.columns)
    return UnitTest(f"{name}_{words}", given, Table(columns, tuple(expected)), place.form == 1)


def _fields(program: Program, batches: Batches, rig: Rig) -> list[_Field]:
    """The forms of a program on a data set; the incremental form reads what the first load left."""
    relations = rig.setting.relations
    found = [_field(Program(program.sql), 0, batches[0], rig, relations)]
    state = _first_load(program, batches, rig) if program.incremental else None
    if state is not None:
        last = batches[-1]
        later = Dataset({**last.tables, THIS: state}, name=f"{last.name}, later load")
        query = Program(program.incremental)
        found.append(_field(query, 1, later, rig, {**relations, THIS: THIS}))
    return [f for f in found if f is not None]


def _field(
    original: Program, form: int, dataset: Dataset, rig: Rig, relations: Mapping[str, str]
) -> _Field | None:
    probe = Probe(dataset, rig, relations)
    twin = rig.bench("rows reversed", reverse((dataset,)), relations)
    try:
        columns = stable_columns([probe.rows(original)], twin.rows(original))
    except Failed:
        return None
    return _Field(probe, form, original, columns) if columns else None


def _first_load(program: Program, batches: Batches, rig: Rig) -> Table | None:
    """The table that stands before the last load."""
    bench = rig.bench("first load", batches[:-1] or batches)
    try:
        bench.expect(program)
        rows = bench.rows(program)[-1]
    except Failed:
        return None
    return Table(tuple(bench.columns), tuple(rows))
