"""An in-memory database that holds the rows of one data set under the names that the SQL uses."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import duckdb

from tools.errors import UsageError
from tools.sql.render import identifier
from tools.verify import memory
from tools.verify.dataset import Dataset, Table
from tools.verify.mutants.clock import Clock
from tools.verify.mutants.session import Session

Prepare = Callable[[duckdb.DuckDBPyConnection], None]
"""Makes a new database ready: macros, settings. Called once for each, before rows are loaded."""

_PART = re.compile(r'"((?:[^"]|"")*)"|([^.]+)')
_BATCHES = "specmill_batches"
CTES = "specmill_ctes"
"""The schema that holds the CTEs of the original as tables; names are looked up there first."""

_ROWS_A_STATEMENT = 100


def nothing(_: duckdb.DuckDBPyConnection) -> None:
    """Prepares nothing."""


class Store:
    """A database with the rows of a data set, or of several that arrive one after the other.

    Args:
        batches: the rows at each load.
        relations: the name in the SQL -> the reference in the data set.
        prepare: makes the new database ready.
    """

    def __init__(
        self,
        batches: Sequence[Dataset],
        relations: Mapping[str, str],
        prepare: Prepare = nothing,
    ) -> None:
        config = {**memory.CONFIG, "autoinstall_known_extensions": False}
        self.batches = len(batches)
        self._root = duckdb.connect(":memory:", config=config)
        self._root.execute(f"create schema {CTES}")
        prepare(self._root)
        for name, reference in relations.items():
            _load(self._root, name, [table_of(b, reference) for b in batches])

    def session(
        self, clock: Clock, seconds: float, *, path: Sequence[str] = (CTES, "main"), batch: int = 0
    ) -> Session:
        """A connection for one thread.

        Args:
            clock: stops statements that run too long.
            seconds: how long one may run.
            path: schemas in which names are looked up; they exist.
            batch: the load whose rows are seen.
        """
        cursor = self._root.cursor()
        cursor.execute("set timezone = 'UTC'")
        cursor.execute(f"set search_path = '{','.join(path)}'")
        cursor.execute(f"set variable specmill_batch = {batch}")
        return Session(cursor, clock, seconds)

    def close(self) -> None:
        """Closes the database and frees its rows."""
        self._root.close()


def table_of(dataset: Dataset, reference: str) -> Table:
    """The table of a reference.

    Raises:
        UsageError: when the data set has none.
    """
    table = dataset.table(reference)
    if table is None:
        raise UsageError(
            f"data set {dataset.name or 'without a name'} has no table {reference}",
            f"it has {', '.join(sorted(dataset.tables)) or 'no tables'}",
        )
    return table


def parts(name: str) -> list[str]:
    """The parts of a relation's name: ``raw."Order"`` -> ``raw``, ``Order``."""
    found = [q.replace('""', '"') if q else plain for q, plain in _PART.findall(name)]
    return [p.strip() for p in found]


def quoted(name: str) -> str:
    """A relation's name as SQL."""
    return ".".join(identifier(p) for p in parts(name))


def _load(connection: duckdb.DuckDBPyConnection, name: str, tables: Sequence[Table]) -> None:
    _make_room(connection, name)
    if len(tables) == 1:
        create_table(connection, quoted(name), tables[0])
        return
    connection.execute(f"create schema if not exists {_BATCHES}")
    choices = []
    for at, table in enumerate(tables):
        kept = f"{_BATCHES}.{identifier(f'{at}:{name}')}"
        create_table(connection, kept, table)
        choices.append(f"select * from {kept} where getvariable('specmill_batch') = {at}")
    connection.execute(f"create view {quoted(name)} as {' union all '.join(choices)}")


def _make_room(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    names = [identifier(p) for p in parts(name)]
    if len(names) == 3:
        connection.execute(f"attach if not exists ':memory:' as {names[0]}")
    if len(names) > 1:
        connection.execute(f"create schema if not exists {'.'.join(names[:-1])}")


def create_table(connection: duckdb.DuckDBPyConnection, name: str, table: Table) -> None:
    """Makes a table (its name as SQL) and puts its rows in."""
    columns = ", ".join(f"{identifier(c)} {kind}" for c, kind in table.columns)
    connection.execute(f"create or replace table {name} ({columns})")
    marks = f"({', '.join('?' * len(table.columns))})"
    for start in range(0, len(table.rows), _ROWS_A_STATEMENT):
        rows = table.rows[start : start + _ROWS_A_STATEMENT]
        values: list[Any] = [value for row in rows for value in row]
        connection.execute(f"insert into {name} values {', '.join([marks] * len(rows))}", values)
