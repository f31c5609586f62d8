"""Faults in the two stages of a history, seen by what they do to its versions.

The columns that the spec speaks of count: a fault in the change log has to show in the versions,
and surrogate keys and bookkeeping do not count.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from functools import cached_property

import duckdb

from tools.sql.mutate.mutant import Mutant
from tools.sql.mutate.program import THIS, Program, program
from tools.sql.render import identifier
from tools.verify.dataset import Dataset
from tools.verify.mutants.clock import Clock
from tools.verify.mutants.execute import (
    FIRST,
    Print,
    Start,
    fingerprint,
    keep_state,
    load_statements,
    restored,
)
from tools.verify.mutants.series import Series
from tools.verify.mutants.session import Failed, Session
from tools.verify.mutants.store import Prepare, Store
from tools.verify.mutants.verdict import How
from tools.verify.proof.compile import Unit
from tools.verify.proof.engine import incoming, make_room
from tools.verify.proof.known import plain

MUTANT_SECONDS = 1.5
_NEW = "specmill_new"
_INCOMING = "specmill_incoming"


@dataclass(frozen=True)
class Chain:
    """The units that run for a fault to be seen.

    Args:
        units: in order; the first one has the fault, the last one is looked at.
        columns: of the last one, those that count.
        others: relations that are read and not made by one of the units.
        prepare: makes a new database know the macros that are called.
    """

    units: tuple[Unit, ...]
    columns: tuple[str, ...]
    others: tuple[str, ...]
    prepare: Prepare

    @cached_property
    def program(self) -> Program:
        """What the first unit runs; its own table is called ``this``."""
        unit = self.units[0]
        return program(unit.sql, unit.incremental, this=plain(unit.relation), load=unit.load)


class ChainBench:
    """A series of loads in databases of its own, one for each thread.

    Args:
        name: of the series.
        batches: the rows of ``chain.others`` at each load.
        chain: what runs.
        clock: stops queries that run too long.

    Raises:
        Failed: the code itself does not run on these rows.
    """

    def __init__(self, name: str, batches: Sequence[Dataset], chain: Chain, clock: Clock) -> None:
        self.name, self.chain = name, chain
        self.kills = 0
        self._batches, self._clock = tuple(batches), clock
        self._local = threading.local()
        self._stack = ExitStack()
        self._lock = threading.Lock()
        self._expected = self._prepare()[1]

    def close(self) -> None:
        """Closes its databases."""
        self._stack.close()

    def differs(self, mutant: Mutant) -> How:
        """What differs when the first unit has a fault; empty if nothing.

        Raises:
            Failed: it does not bind, took too long, or the database failed.
        """
        session, _, series = self._prepare()
        start: Start | None = FIRST
        if mutant.program.load == mutant.original.load:
            start = series.first_change(mutant)
        if start is None:
            return ""
        try:
            return self._run(session, mutant.program, start)
        except Failed as failure:
            if failure.kind == "runs":
                return "error"
            raise

    def _prepare(self) -> tuple[Session, list[Print], Series]:
        """A database of this thread, what the original gives after each load, and its loads."""
        if not hasattr(self._local, "prepared"):
            store = Store(self._batches, {r: r for r in self.chain.others}, self._prepared)
            with self._lock:
                self._stack.enter_context(closing(store))
            session = store.session(self._clock, MUTANT_SECONDS)
            prints = self._original(session)
            series = Series(store, self._clock, MUTANT_SECONDS, self.chain.program)
            self._local.prepared = session, prints, series
        found: tuple[Session, list[Print], Series] = self._local.prepared
        return found

    def _prepared(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.chain.prepare(connection)
        for unit in self.chain.units:
            make_room(connection, unit.relation)

    def _original(self, session: Session) -> list[Print]:
        """Fingerprints after each load of the original; the tables are kept as they stood."""
        found = []
        for batch in range(len(self._batches)):
            if batch:
                keep_state(session, batch)
                for number, unit in enumerate(self.chain.units[1:]):
                    keep_state(session, batch, unit.relation, f"unit_{number}")
            found.append(self._load(session, self.chain.program, batch))
        return found

    def _run(self, session: Session, given: Program, start: Start) -> How:
        """What differs first when loads run from one on, on the tables as they stood before it."""
        first, rows = start
        if first:
            session.run(f"create or replace temp table {THIS} as {restored(first)}")
            for number, unit in enumerate(self.chain.units[1:]):
                kept = restored(first, f"unit_{number}")
                session.run(f"create or replace table {unit.relation} as {kept}")
        for batch in range(first, len(self._batches)):
            found = self._load(session, given, batch, rows if batch == first else "")
            expected = self._expected[batch]
            if found != expected:
                return "rows" if found.content != expected.content else "types"
        return ""

    def _load(self, session: Session, given: Program, batch: int, rows: str = "") -> Print:
        session.run(f"set variable specmill_batch = {batch}")
        load_changed(session, given, batch, rows)
        if len(self.chain.units) > 1:
            place = self.chain.units[0].relation
            session.run(f"create or replace table {place} as select * from {THIS}")
        for unit in self.chain.units[1:]:
            load_unit(session, unit, batch)
        return self._print(session)

    def _print(self, session: Session) -> Print:
        last = self.chain.units[-1].relation if len(self.chain.units) > 1 else THIS
        columns = ", ".join(identifier(c) for c in self.chain.columns)
        width = len(self.chain.columns)
        return fingerprint(session, f"select {columns} from {last}", width, range(width))


def load_changed(session: Session, given: Program, batch: int, rows: str = "") -> None:
    """Loads a program whose own table is called ``this``.

    Args:
        session: where.
        given: the program.
        batch: which load it is.
        rows: the query that gives the rows that come in, when that is not the program's own.

    Raises:
        Failed: when a statement fails.
    """
    if batch and given.incremental:
        session.run(f"create or replace temp table {_NEW} as {rows or given.incremental}")
        names = [identifier(n) for n, _ in session.names(f"select * from {THIS}")]
        for statement in load_statements(given.load, names):
            session.run(statement)
    else:
        session.run(f"create or replace temp table {THIS} as {rows or given.sql}")
    for hook in given.load.post_hooks:
        session.run(hook)


def load_unit(session: Session, unit: Unit, batch: int) -> None:
    """Loads a unit under its own name.

    Raises:
        Failed: when a statement fails.
    """
    if batch and unit.incremental:
        session.run(f"create or replace temp table {_INCOMING} as {unit.incremental}")
        names = [identifier(n) for n, _ in session.names(f"select * from {unit.relation}")]
        for statement in incoming(unit, names):
            session.run(statement)
    else:
        session.run(f"create or replace table {unit.relation} as {unit.sql}")
    for hook in unit.load.post_hooks:
        session.run(hook)
