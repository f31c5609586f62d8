"""Which faults the tests that ship with the code notice, on the rows that the proof was made on.

A test counts on rows on which it holds for the code without a fault. It runs on rows that are made
to tell faults apart, so the rate flatters the tests rather than the proof.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import duckdb

from tools.sql.mutate.program import THIS, Program
from tools.verify.dataset import Dataset
from tools.verify.mutants.clock import Clock
from tools.verify.mutants.session import Failed, Session
from tools.verify.mutants.store import Store
from tools.verify.mutants.verdict import Verdict
from tools.verify.proof.agree import Case
from tools.verify.proof.compile import Unit
from tools.verify.proof.declared import ShippedTest
from tools.verify.proof.engine import make_room, preparing
from tools.verify.proof.fields import Run
from tools.verify.proof.known import plain

TEST_SECONDS = 1.0


@dataclass(frozen=True)
class Noticed:
    """How many faults were held against the tests, and how many of them these notice."""

    tried: int = 0
    killed: int = 0


def noticed(
    case: Case,
    unit: Unit,
    killed: Sequence[Verdict],
    runs: Mapping[str, Run],
    *,
    deadline: float,
    clock: Clock,
) -> Noticed:
    """Runs the tests of a model on each fault that the proof tells from the code.

    Args:
        case: what is proved.
        unit: the model; it keeps no rows.
        killed: faults in it, with the data set that tells each from the code.
        runs: what the code gave, by the name of the scenario.
        deadline: of ``time.monotonic()``.
        clock: stops queries that run too long.
    """
    tests = [t for t in case.compiled.tests if t.model == unit.name]
    by_run: dict[str, list[Program]] = {}
    for verdict in killed:
        name = verdict.by.removesuffix(", rows reversed")
        if name in runs:
            by_run.setdefault(name, []).append(verdict.mutant.program)
    tried = found = 0
    for name, programs in by_run.items():
        if time.monotonic() > deadline:
            break
        with suppress(Failed):
            place = _Place(case, unit, runs[name], clock)
            try:
                holding = [t for t in tests if not place.fails(t)]
                for program in programs:
                    if time.monotonic() > deadline:
                        break
                    tried += 1
                    found += place.notices(program, holding)
            finally:
                place.close()
    return Noticed(tried, found)


class _Place:
    """A database with all tables of a run, in which one of them can be replaced."""

    def __init__(self, case: Case, unit: Unit, run: Run, clock: Clock) -> None:
        self._unit = unit
        made = run.made[-1]
        tables = {
            plain(u.relation): made.tables[u.name]
            for u in case.compiled.units
            if u.name in made.tables
        }
        batch = run.scenario.batches[-1]
        for relation, reference in case.compiled.sources.items():
            table = batch.table(reference)
            if table is not None:
                tables[plain(relation)] = table

        def ready(connection: duckdb.DuckDBPyConnection) -> None:
            preparing(case.compiled)(connection)
            make_room(connection, unit.relation)

        self._store = Store([Dataset(tables)], {r: r for r in tables}, ready)
        self._session: Session = self._store.session(clock, TEST_SECONDS)

    def fails(self, test: ShippedTest) -> bool:
        """Whether a test finds rows; one that cannot be run notices nothing, so it is left out."""
        try:
            return bool(self._session.run(f"select 1 from ({test.sql}) limit 1"))
        except Failed:
            return True

    def notices(self, program: Program, tests: Sequence[ShippedTest]) -> bool:
        """Whether a fault makes the build or a test fail."""
        text = program.sql
        if f" {THIS} " in text:
            return False
        try:
            self._session.run(f"create or replace table {self._unit.relation} as {text}")
        except Failed:
            return True
        return any(self.fails(t) for t in tests)

    def close(self) -> None:
        """Frees the rows."""
        self._store.close()
