"""A program run on one data set: its rows, or a fingerprint of them that is cheap to compare.

The fingerprint is made of the rows as they are fetched: for the few that a data set has this takes
a tenth of the time that the database needs to bind and run a query that hashes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from tools.sql.mutate.program import THIS, Load, Program
from tools.sql.render import identifier
from tools.verify.mutants.session import Failed, Session

Columns = Sequence[tuple[str, str]]
"""The output columns of the original: (name, DuckDB type)."""

MANY = 20_000
"""So many rows are looked at."""

Start = tuple[int, str]
"""A load, and the query that gives the rows that come in there; empty for that of the program."""

FIRST: Start = (0, "")

_NEW = "specmill_new"
STATES = "specmill_state"
"""Before a number: the schema that holds the tables as they stood before that load."""


@dataclass(frozen=True)
class Print:
    """The fingerprint of a bag of rows.

    Args:
        rows: how many; of very many it is only said that there are more than :data:`MANY`.
        content: a digest of the rows in a fixed order.
        types: of the columns, in DuckDB's words.
    """

    rows: int
    content: bytes
    types: str


def fingerprints(
    session: Session,
    program: Program,
    columns: Columns,
    kept: Sequence[int],
    batches: int,
    *,
    start: Start = FIRST,
) -> tuple[Print, ...]:
    """Runs a program and takes the fingerprint of its table after each load.

    Args:
        session: with the data set.
        program: what to run.
        columns: the output columns of the original.
        kept: the indexes of those that are looked at.
        batches: how many loads there are.
        start: the first one to run, on the table that was kept as it stood before; the query that
            gives the rows that come in there, when it is known.

    Raises:
        Failed: when a statement fails.
    """
    if not program.incremental:
        return (fingerprint(session, program.sql, len(columns), kept),)
    tables = _loads(session, program, columns, batches, start)
    return tuple(fingerprint(session, sql, len(columns), kept) for sql in tables)


def rows_of(
    session: Session, program: Program, columns: Columns, batches: int
) -> list[list[tuple[Any, ...]]]:
    """Runs a program and gives the rows of its table after each load.

    Raises:
        Failed: when a statement fails.
    """
    if not program.incremental:
        return [session.run(program.sql)]
    return [session.run(sql) for sql in _loads(session, program, columns, batches)]


def fingerprint(session: Session, sql: str, width: int, kept: Sequence[int]) -> Print:
    """The fingerprint of what a query gives.

    Args:
        session: with the data set.
        sql: the query.
        width: how many columns it gives.
        kept: the indexes of those that are looked at.

    Raises:
        Failed: when it fails.
    """
    types, rows = session.typed(sql, MANY)
    if len(types) != width:
        raise Failed("binds", f"it has {len(types)} columns instead of {width}")
    if len(kept) < width:
        types = tuple(types[i] for i in kept)
        rows = [tuple(row[i] for i in kept) for row in rows]
    lines = "\n".join(sorted(map(repr, rows)))
    return Print(len(rows), sha256(lines.encode(errors="replace")).digest(), ", ".join(types))


def keep_state(session: Session, batch: int, relation: str = THIS, name: str = THIS) -> None:
    """Keeps a table as it is before a load.

    Raises:
        Failed: it cannot be read.
    """
    session.run(f"create schema if not exists {STATES}_{batch}")
    session.run(f"create or replace table {STATES}_{batch}.{name} as select * from {relation}")


def restored(batch: int, name: str = THIS) -> str:
    """The query that gives a table as it was before a load."""
    return f"select * from {STATES}_{batch}.{name}"


def _loads(
    session: Session, program: Program, columns: Columns, batches: int, start: Start = FIRST
) -> list[str]:
    """The steps of an incremental model; each ends with the query that reads its table."""
    return _Steps(session, program, columns).run(batches, start)


class _Steps:
    def __init__(self, session: Session, program: Program, columns: Columns) -> None:
        self.session, self.program = session, program
        self.names = [identifier(name) for name, _ in columns]

    def run(self, batches: int, start: Start = FIRST) -> list[str]:
        found: list[str] = []
        first, rows = start
        if first:
            self.session.run(f"create or replace temp table {THIS} as {restored(first)}")
        else:
            self.session.run("set variable specmill_batch = 0")
            self.session.run(f"create or replace temp table {THIS} as {rows or self.program.sql}")
            self._finish(0, found)
        for at in range(max(1, first), batches):
            new = rows if rows and at == first else self.program.incremental
            self.session.run(f"set variable specmill_batch = {at}")
            self.session.run(f"create or replace temp table {_NEW} as {new}")
            for statement in load_statements(self.program.load, self.names):
                self.session.run(statement)
            self._finish(at, found)
        return found

    def _finish(self, at: int, found: list[str]) -> None:
        for hook in self.program.load.post_hooks:
            self.session.run(hook)
        kept = f"{THIS}_{at}"
        self.session.run(f"create or replace temp table {kept} as select * from {THIS}")
        found.append(f"select {', '.join(self.names)} from {kept}")


def load_statements(load: Load, columns: Sequence[str]) -> list[str]:
    """What brings the rows of ``specmill_new`` into ``this``, as dbt-duckdb writes it.

    Args:
        load: strategy, key and conditions.
        columns: the columns of the table, as SQL.
    """
    listed = ", ".join(columns)
    insert = f"insert into {THIS} ({listed}) select {listed} from {_NEW}"
    keys = [identifier(k) for k in load.unique_key]
    steps = {"delete", "update", "insert"} - set(load.skipped)
    if load.strategy == "append" or not keys:
        return [insert] if "insert" in steps else []
    same = " and ".join(f"{THIS}.{k} = {_NEW}.{k}" for k in keys)
    on = " and ".join([same, *(f"({p})" for p in load.predicates)])
    if load.strategy == "merge":
        update = ", ".join(f"{c} = {_NEW}.{c}" for c in columns)
        parts = [f"merge into {THIS} using {_NEW} on {on}"]
        parts += [f"when matched then update set {update}"] if "update" in steps else []
        values = ", ".join(f"{_NEW}.{c}" for c in columns)
        when = f"when not matched then insert ({listed}) values ({values})"
        parts += [when] if "insert" in steps else []
        return [" ".join(parts)] if len(parts) > 1 else []
    delete = f"delete from {THIS} using {_NEW} where {on}"
    return ([delete] if "delete" in steps else []) + ([insert] if "insert" in steps else [])
