"""Loads looked at one at a time: what a program brings in, while all before it was as expected.

A fault in an incremental model is told by the first load at which other rows come in. Up to
there the table stands as the original left it, so each load is a query of its own on a table that
is kept, and most faults are settled by one query instead of all loads.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from tools.sql.mutate.mutant import Mutant
from tools.sql.mutate.program import Program
from tools.verify.mutants.clock import Clock
from tools.verify.mutants.execute import STATES, Print, Start, fingerprint
from tools.verify.mutants.parts import Parts, body_of, parts_of
from tools.verify.mutants.session import Failed, Session
from tools.verify.mutants.store import CTES, Store


@dataclass(frozen=True)
class _Load:
    """One load of the original: the rows that come in, and its CTEs as tables."""

    width: int
    expected: Print
    parts: Parts | None


class Series:
    """The loads of the original in a database that holds its table as it stood before each.

    Args:
        store: the database.
        clock: stops queries that run too long.
        seconds: how long one may run.
        original: the program without a fault.

    Raises:
        Failed: the original does not run.
    """

    def __init__(self, store: Store, clock: Clock, seconds: float, original: Program) -> None:
        self._store, self._clock, self._seconds = store, clock, seconds
        self._original = original
        self._local = threading.local()
        schemas = store.session(clock, seconds)
        for batch in range(store.batches):
            schemas.run(f"create schema if not exists {_ctes(batch)}")
        self._loads = [self._load(batch) for batch in range(store.batches)]

    def first_change(self, mutant: Mutant) -> Start | None:
        """The first load at which other rows come in, or an error, and the query that gives them.

        None when there is no such load. The rows are kept until this thread asks again.

        Raises:
            Failed: the mutant does not bind, took too long, or the database failed.
        """
        changes = (self._change(mutant, batch) for batch in range(len(self._loads)))
        return next((change for change in changes if change is not None), None)

    def _load(self, batch: int) -> _Load:
        session, sql = self._session(batch), _form(self._original, batch)
        width = len(session.names(sql))
        expected = fingerprint(session, sql, width, range(width))
        parts = parts_of(session, sql, _ctes(batch))
        if parts is not None and not self._faithful(session, sql, width, expected):
            parts = None
        return _Load(width, expected, parts)

    def _faithful(self, session: Session, sql: str, width: int, expected: Print) -> bool:
        """Whether a query gives the same when its CTEs are read from tables."""
        try:
            return fingerprint(session, body_of(sql), width, range(width)) == expected
        except Failed:
            return False

    def _change(self, mutant: Mutant, batch: int) -> Start | None:
        load, session = self._loads[batch], self._session(batch)
        sql = _form(mutant.program, batch)
        if sql == _form(mutant.original, batch):
            return None
        cut = mutant.later if batch and mutant.program.incremental else mutant.cut
        if cut is not None and load.parts is not None:
            try:
                if cut.part and load.parts.same(session, cut.head, cut.part):
                    return None
                return self._incoming(session, cut.tail, batch)
            except Failed as failure:
                if failure.kind == "time":
                    raise
        try:
            return self._incoming(session, sql, batch)
        except Failed as failure:
            if failure.kind != "runs":
                raise
            return batch, sql

    def _incoming(self, session: Session, sql: str, batch: int) -> Start | None:
        """The rows that come in, put in a table of this thread, when they are others."""
        load = self._loads[batch]
        table = f"{_ctes(batch)}.specmill_in_{threading.get_ident()}"
        session.run(f"create or replace table {table} as {sql}")
        rows = f"select * from {table}"
        found = fingerprint(session, rows, load.width, range(load.width))
        return None if found == load.expected else (batch, rows)

    def _session(self, batch: int) -> Session:
        """The connection of this thread for one load."""
        known: dict[int, Session] = self._local.__dict__.setdefault("sessions", {})
        if batch not in known:
            path = [_ctes(batch), f"{STATES}_{batch}", "main"] if batch else [_ctes(0), "main"]
            known[batch] = self._store.session(self._clock, self._seconds, path=path, batch=batch)
        return known[batch]


def _ctes(batch: int) -> str:
    return f"{CTES}_{batch}"


def _form(program: Program, batch: int) -> str:
    return program.incremental if batch and program.incremental else program.sql
