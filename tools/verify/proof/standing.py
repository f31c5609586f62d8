"""A project as it stands after the loads of a series, in which one model can be replaced.

The models below it keep the rows that the proof saw; those that read it are made anew, as a build
would make them, and the project's tests run on what comes out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import duckdb

from tools.sql.mutate.program import THIS, Program, program
from tools.verify.dataset import Dataset
from tools.verify.mutants.clock import Clock
from tools.verify.mutants.session import Failed, Session
from tools.verify.mutants.store import Store
from tools.verify.proof.agree import Case
from tools.verify.proof.chain import load_changed, load_unit
from tools.verify.proof.compile import Compiled, Unit
from tools.verify.proof.declared import ShippedTest
from tools.verify.proof.engine import Made, make_room, preparing
from tools.verify.proof.fields import Run
from tools.verify.proof.known import plain

BUILD = "build"
"""What notices a fault by which a model cannot be made."""

TEST_SECONDS = 1.0

Print = tuple[int, ...]

Held = Mapping[tuple[int, str], tuple[ShippedTest, ...]]
"""The tests that hold after each load, by the unit after which they can run."""


def depending(compiled: Compiled, unit: Unit) -> tuple[Unit, ...]:
    """A unit, then those that are made of it, in order."""
    names = {unit.name}
    for other in compiled.units:
        if names.intersection(other.reads) and not other.problem:
            names.add(other.name)
    return tuple(u for u in compiled.units if u.name in names)


class Standing:
    """The tables of one series of loads; a fault is noticed in it or not.

    Args:
        case: what is proved.
        unit: the model that is replaced.
        run: the series, and what the code gave.
        clock: stops queries that run too long.

    Raises:
        Failed: the code itself cannot be made here.
    """

    def __init__(self, case: Case, unit: Unit, run: Run, clock: Clock) -> None:
        self.name = run.scenario.name
        self._loads = len(run.scenario.batches)
        self._units = self._makeable(case.compiled, unit, run.made)
        datasets = [
            self._below(case, batch, made)
            for batch, made in zip(run.scenario.batches, run.made, strict=True)
        ]
        relations = {r: r for d in datasets for r in d.tables}
        datasets = [d for d in datasets if len(d.tables) == len(relations)]

        def ready(connection: duckdb.DuckDBPyConnection) -> None:
            preparing(case.compiled)(connection)
            for made in self._units:
                make_room(connection, made.relation)

        if len(datasets) < self._loads:
            raise Failed("runs", "a table is not there at every load")
        self._store = Store(datasets, relations, ready)
        self._session: Session = self._store.session(clock, TEST_SECONDS)
        self._program = program(
            unit.sql, unit.incremental, this=plain(unit.relation), load=unit.load
        )
        self._known: dict[tuple[int, tuple[Print, ...]], str] = {}
        self._whole: dict[Print, str] = {}
        self._held = self._holding(case.compiled.tests)

    def _makeable(self, compiled: Compiled, unit: Unit, made: Sequence[Made]) -> tuple[Unit, ...]:
        """The unit and what can be made of it with the tables that are there."""
        there = set(made[-1].tables)
        found = [unit]
        for other in depending(compiled, unit)[1:]:
            if there.issuperset(set(other.reads) - {u.name for u in found}):
                found.append(other)
        return tuple(found)

    def _below(self, case: Case, batch: Dataset, made: Made) -> Dataset:
        ours = {u.name for u in self._units}
        tables = {
            plain(u.relation): made.tables[u.name]
            for u in case.compiled.units
            if u.name in made.tables and u.name not in ours
        }
        for relation, reference in case.compiled.sources.items():
            table = batch.table(reference)
            if table is not None:
                tables[plain(relation)] = table
        return Dataset(tables, name=self.name)

    @property
    def tests(self) -> frozenset[str]:
        """The names of the tests that say something here."""
        return frozenset(t.name for tests in self._held.values() for t in tests)

    def noticed(self, fault: Program) -> str:
        """The test that notices a fault in the unit; empty if none does.

        Raises:
            Failed: it took too long, or the database failed.
        """
        first: list[Print] = []
        try:
            found = next(filter(None, self._answers(fault, first)), "")
        except Failed as failure:
            if failure.kind not in ("runs", "binds"):
                raise
            found = BUILD
        if self._loads == 1 and first:
            self._whole[first[0]] = found
        return found

    def _answers(self, fault: Program, first: list[Print]) -> Iterator[str]:
        """What the tests say after each unit of each load; the same tables give the same."""
        for load in range(self._loads):
            self._session.run(f"set variable specmill_batch = {load}")
            seen: tuple[Print, ...] = ()
            for unit in self._units:
                self._make(unit, fault, load)
                seen = (*seen, self._print(unit))
                if not first:
                    first.append(seen[0])
                    if self._loads == 1 and seen[0] in self._whole:
                        yield self._whole[seen[0]]
                        return
                key = (load, seen)
                if key not in self._known:
                    self._known[key] = self._failing(self._held[load, unit.name])
                yield self._known[key]

    def _print(self, unit: Unit) -> Print:
        """A fingerprint of a table."""
        row = self._session.run(
            "select count(*), coalesce(sum(hash(t)), 0), coalesce(sum(hash(t, 1)), 0), "
            f"hash(any_value(typeof(t))) from {unit.relation} as t"
        )[0]
        return tuple(row)

    def _make(self, unit: Unit, code: Program, load: int) -> None:
        if unit is not self._units[0]:
            load_unit(self._session, unit, load)
            return
        load_changed(self._session, code, load)
        self._session.run(f"create or replace table {unit.relation} as select * from {THIS}")

    def _holding(self, tests: Sequence[ShippedTest]) -> Held:
        """The tests that find nothing wrong with the code itself, by when they can run."""
        order = [u.name for u in self._units]
        when: dict[str, list[ShippedTest]] = {}
        for test in tests:
            places = [order.index(n) for n in test.reads if n in order]
            if places:
                when.setdefault(order[max(places)], []).append(test)
        found = {}
        for load in range(self._loads):
            self._session.run(f"set variable specmill_batch = {load}")
            for unit in self._units:
                self._make(unit, self._program, load)
                mine = when.get(unit.name, ())
                all_hold = not self._failing(mine)
                found[load, unit.name] = tuple(t for t in mine if all_hold or not self._fails(t))
        return found

    def _failing(self, tests: Sequence[ShippedTest]) -> str:
        """The first of some tests that fails; asked in one statement, as most find nothing."""
        if not tests:
            return ""
        asked = " union all ".join(f"(select 1 from ({t.sql}) limit 1)" for t in tests)
        try:
            if not self._session.run(f"select 1 from ({asked}) limit 1"):
                return ""
        except Failed as failure:
            if failure.kind == "time":
                raise
        return next((t.name for t in tests if self._fails(t)), "")

    def _fails(self, test: ShippedTest) -> bool:
        """Whether a test finds rows, or cannot be run."""
        try:
            return bool(self._session.run(f"select 1 from ({test.sql}) limit 1"))
        except Failed:
            return True

    def close(self) -> None:
        """Frees the rows."""
        self._store.close()
