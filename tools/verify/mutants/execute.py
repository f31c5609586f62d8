"""A program run on one data set: its rows, or a fingerprint of them that is cheap to compare.

The fingerprint is worked out in the database: the number of rows, two sums over a hash of each
row, the types. One planned query instead of two for ``except all``, one row fetched instead of all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tools.sql.mutate.program import THIS, Load, Program
from tools.sql.render import identifier
from tools.verify.mutants.session import Session

Columns = Sequence[tuple[str, str]]
"""The output columns of the original: (name, DuckDB type)."""

_NEW = "specmill_new"


@dataclass(frozen=True)
class Print:
    """The fingerprint of a bag of rows; ``types`` is None when there is no row."""

    rows: int
    hashes: tuple[int, int]
    types: str | None


def fingerprints(
    session: Session, program: Program, columns: Columns, kept: Sequence[int], batches: int
) -> tuple[Print, ...]:
    """Runs a program and takes the fingerprint of its table after each load.

    Args:
        session: with the data set.
        program: what to run.
        columns: the output columns of the original.
        kept: the indexes of those that are looked at.
        batches: how many loads there are.

    Raises:
        Failed: when a statement fails.
    """
    if not program.incremental:
        return (fingerprint(session, program.sql, len(columns), kept),)
    tables = _loads(session, program, columns, batches)
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
    names = ", ".join(f"c{i}" for i in range(width))
    chosen = ", ".join(f"c{i}" for i in kept) or "0"
    types = " || ',' || ".join(f"typeof(c{i})" for i in kept) or "''"
    row = session.run(
        "select count(*), coalesce(sum(h), 0), coalesce(sum(hash(h, 1)), 0), any_value(t) from "
        f"(select hash({chosen}) as h, {types} as t from ({sql}) as q({names}))"
    )[0]
    return Print(int(row[0]), (int(row[1]), int(row[2])), row[3])


def _loads(session: Session, program: Program, columns: Columns, batches: int) -> list[str]:
    """The steps of an incremental model; each ends with the query that reads its table."""
    return _Steps(session, program, columns).run(batches)


class _Steps:
    def __init__(self, session: Session, program: Program, columns: Columns) -> None:
        self.session, self.program = session, program
        self.names = [identifier(name) for name, _ in columns]

    def run(self, batches: int) -> list[str]:
        found: list[str] = []
        self.session.run("set variable specmill_batch = 0")
        self.session.run(f"create or replace temp table {THIS} as {self.program.sql}")
        self._finish(0, found)
        for at in range(1, batches):
            self.session.run(f"set variable specmill_batch = {at}")
            self.session.run(f"create or replace temp table {_NEW} as {self.program.incremental}")
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
