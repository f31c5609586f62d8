"""One data set with what the original gives on it: the place where mutants are tried."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace

from tools.sql.mutate.mutant import Mutant
from tools.sql.mutate.program import THIS, Program
from tools.sql.mutate.text import Cut
from tools.verify.dataset import Dataset, Table
from tools.verify.mutants.bags import Row, same_bag
from tools.verify.mutants.clock import Clock
from tools.verify.mutants.execute import (
    FIRST,
    Print,
    Start,
    fingerprint,
    fingerprints,
    keep_state,
    rows_of,
)
from tools.verify.mutants.parts import Parts, body_of, parts_of
from tools.verify.mutants.series import Series
from tools.verify.mutants.session import Failed, Session
from tools.verify.mutants.store import Prepare, Store, nothing
from tools.verify.mutants.verdict import How

Batches = tuple[Dataset, ...]

_INEXACT = ("DOUBLE", "FLOAT", "REAL")


@dataclass(frozen=True)
class Setting:
    """What all data sets of a run share.

    Args:
        relations: the name in the SQL -> the reference in the data sets.
        prepare: makes a new database ready.
        seconds: how long a query may run.
    """

    relations: Mapping[str, str]
    prepare: Prepare = nothing
    seconds: float = 2.0


@dataclass(frozen=True)
class Outcome:
    """How a mutant differs from the original on a data set; not at all when ``how`` is empty."""

    how: How
    detail: str = ""


class Bench:
    """A data set in a database of its own.

    Args:
        name: of the data set.
        batches: its rows at each load.
        setting: what all data sets share.
        clock: stops queries that run too long.
    """

    def __init__(self, name: str, batches: Batches, setting: Setting, clock: Clock) -> None:
        self.name = name
        self.batches = batches
        self.kills = 0
        self._setting = setting
        self._clock = clock
        self._store = Store(batches, setting.relations, setting.prepare)
        self._local = threading.local()
        self.columns: list[tuple[str, str]] = []
        self.kept: list[int] = []
        self._expected: tuple[Print, ...] = ()
        self._rows: list[list[Row]] = []
        self._original = Program("")
        self._parts: Parts | None = None
        self._series: Series | None = None

    def session(self) -> Session:
        """The connection of this thread."""
        if not hasattr(self._local, "session"):
            self._local.session = self._store.session(self._clock, self._setting.seconds)
        found: Session = self._local.session
        return found

    def rows(self, program: Program) -> list[list[Row]]:
        """The rows that a program gives after each load.

        Raises:
            Failed: when a statement fails.
        """
        return rows_of(self.session(), program, self.columns, len(self.batches))

    def expect(self, original: Program, kept: Sequence[int] | None = None) -> None:
        """Runs the original and keeps what it gives.

        Args:
            original: the program without a fault.
            kept: the columns to compare; all when it is None.

        Raises:
            Failed: when the original does not run on these rows.
        """
        self.columns = self.session().names(original.sql)
        self.kept = list(range(len(self.columns))) if kept is None else list(kept)
        self._original = original
        self._expected = self._prints(original)
        self._rows = []
        self._parts = None if original.incremental else parts_of(self.session(), original.sql)
        if self._parts is not None and not self._faithful(original.sql):
            self._parts = None
        if original.incremental:
            self._keep_states(original)

    def _keep_states(self, original: Program) -> None:
        """Keeps the table as the original leaves it after each load."""
        for at in range(1, len(self.batches)):
            keep_state(self.session(), at, f"{THIS}_{at - 1}")
        self._series = Series(self._store, self._clock, self._setting.seconds, original)

    def _faithful(self, sql: str) -> bool:
        """Whether the original gives the same when its CTEs are read from tables."""
        body = body_of(sql)
        try:
            found = fingerprint(self.session(), body, len(self.columns), self.kept)
        except Failed:
            return False
        return (found,) == self._expected

    def _prints(self, program: Program, start: Start = FIRST) -> tuple[Print, ...]:
        count = len(self.batches)
        return fingerprints(self.session(), program, self.columns, self.kept, count, start=start)

    def tells(self, mutant: Mutant) -> Outcome | None:
        """Whether a mutant gives other rows, other types or an error; None when it does not.

        Raises:
            Failed: it does not bind, took too long, or the database failed.
        """
        if self._series is None or mutant.program.load != mutant.original.load:
            return self.differs(mutant.program, mutant.cut)
        start = self._series.first_change(mutant)
        return None if start is None else self.differs(mutant.program, start=start)

    def differs(
        self, program: Program, cut: Cut | None = None, start: Start = FIRST
    ) -> Outcome | None:
        """Whether a program gives other rows, other types or an error; None when it does not.

        Args:
            program: the program.
            cut: the part of it that has a fault, when the rest is that of the original.
            start: the first load to run, all before it are as they were; and what comes in there.

        Raises:
            Failed: it does not bind, took too long, or the database failed.
        """
        if cut is not None and self._parts is not None and not self._inexact():
            short = self._shortly(cut, self._parts)
            if short is not None:
                return short if short.how else None
        try:
            found = self._prints(program, start)
        except Failed as failure:
            if failure.kind == "runs":
                return Outcome("error", failure.message)
            raise
        expected = self._expected[start[0] :]
        if found == expected:
            return None
        if [p.rows for p in found] == [p.rows for p in expected] and self._inexact():
            return self._closely(program, self._prints(program) if start[0] else found)
        return _outcome(expected, found)

    def _shortly(self, cut: Cut, parts: Parts) -> Outcome | None:
        """The answer from the changed part alone; None when that is not sure.

        When the changed CTE gives the rows that it gave, so does the query. Errors and other types
        are looked at again in the whole query, which may bind them in another way.
        """
        session = self.session()
        try:
            if cut.part and parts.same(session, cut.head, cut.part):
                return Outcome("")
            found = fingerprint(session, cut.tail, len(self.columns), self.kept)
        except Failed as failure:
            if failure.kind == "time":
                raise
            return None
        if (found,) == self._expected:
            return Outcome("")
        return None if _retyped(self._expected[0], found) else Outcome("rows")

    def _inexact(self) -> bool:
        return any(kind in _INEXACT for _, kind in self.columns)

    def _closely(self, program: Program, found: tuple[Print, ...]) -> Outcome | None:
        """The rows themselves compared, since floating point numbers may differ a little."""
        if any(_retyped(e, f) for e, f in zip(self._expected, found, strict=True)):
            return _outcome(self._expected, found)
        if not self._rows:
            self._rows = [self._chosen(rows) for rows in self.rows(self._original)]
        new = [self._chosen(rows) for rows in self.rows(program)]
        alike = all(same_bag(a, b) for a, b in zip(self._rows, new, strict=True))
        return None if alike else Outcome("rows")

    def _chosen(self, rows: Sequence[Row]) -> list[Row]:
        return [tuple(row[i] for i in self.kept) for row in rows]

    def close(self) -> None:
        """Closes its database."""
        self._store.close()


class Rig:
    """What a run opens: one clock, and databases that are closed when the run ends.

    Args:
        setting: what all data sets share.
        stack: closes what was opened.
    """

    def __init__(self, setting: Setting, stack: ExitStack) -> None:
        self.setting = setting
        self.clock = stack.enter_context(Clock())
        self._stack = stack

    def bench(
        self, name: str, batches: Batches, relations: Mapping[str, str] | None = None
    ) -> Bench:
        """A data set in a database of its own.

        Args:
            name: of the data set.
            batches: its rows at each load.
            relations: others than those of the setting.
        """
        own = self.setting if relations is None else replace(self.setting, relations=relations)
        return self._stack.enter_context(closing(Bench(name, batches, own, self.clock)))


def _outcome(expected: tuple[Print, ...], found: tuple[Print, ...]) -> Outcome:
    pairs = list(zip(expected, found, strict=True))
    types = next(((e.types, f.types) for e, f in pairs if _retyped(e, f)), None)
    if types is not None:
        return Outcome("types", f"{types[0]} became {types[1]}")
    return Outcome("rows")


def _retyped(expected: Print, found: Print) -> bool:
    return expected.types != found.types


def reverse(batches: Batches) -> Batches:
    """The same rows in the opposite order."""
    return tuple(
        replace(b, tables={r: _reversed(t) for r, t in b.tables.items()}, why={}) for b in batches
    )


def _reversed(table: Table) -> Table:
    return table.with_rows(reversed(table.rows))


def empty(batches: Batches) -> Batches:
    """The same tables without rows."""
    return tuple(
        replace(b, tables={r: t.with_rows(()) for r, t in b.tables.items()}, why={})
        for b in batches
    )
