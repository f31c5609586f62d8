"""SQL on a DuckDB file, inside the worker process: the one place that opens database files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb

from tools.verify.mutants.clock import Clock
from tools.verify.worker_limit import Limit, TookTooLong

Statement = str | Sequence[Any]
"""SQL text, or a pair of SQL text and the values of its parameters."""


class StatementError(Exception):
    """A statement failed; ``kind`` is ``io`` when the file and not the SQL is at fault.

    It is ``late`` when the statement took too long.
    """

    def __init__(self, kind: str, message: str, statement: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.statement = statement

    def to_json(self) -> dict[str, str]:
        """The error as the protocol carries it."""
        return {"kind": self.kind, "message": self.message, "statement": self.statement}


def plain(value: Any) -> Any:
    """A database value as JSON: numbers and booleans stay, everything else becomes text."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return str(value)


def connect(database: str) -> duckdb.DuckDBPyConnection:
    """Opens (and makes) a database file, in UTC, without reaching for the network.

    Raises:
        StatementError: the file is locked, no database, or cannot be written.
    """
    try:
        Path(database).parent.mkdir(parents=True, exist_ok=True)
        connection = duckdb.connect(database)
    except (duckdb.Error, OSError) as error:
        raise StatementError("io", str(error)) from error
    connection.execute("set timezone = 'UTC'")
    connection.execute("set autoinstall_known_extensions = false")
    return connection


def execute(database: str, statements: Sequence[Statement], seconds: float) -> list[dict[str, Any]]:
    """Runs statements in order on one connection, and closes the file.

    Args:
        database: path of the DuckDB file; it is made when it does not exist.
        statements: see :data:`Statement`.
        seconds: that each of them may take.

    Returns:
        for each statement its columns, their types and its rows as JSON values.

    Raises:
        StatementError: the first failure; what came before it stays done.
    """
    connection = connect(database)
    try:
        with Clock() as clock:
            return [_one(connection, s, Limit(clock, seconds)) for s in statements]
    finally:
        connection.close()


def _one(
    connection: duckdb.DuckDBPyConnection, statement: Statement, limit: Limit
) -> dict[str, Any]:
    text, values = (statement, None) if isinstance(statement, str) else tuple(statement)
    try:
        with limit.over(connection):
            cursor = connection.execute(text, values)
            description = cursor.description or []
            rows = [[plain(v) for v in row] for row in cursor.fetchall()] if description else []
    except TookTooLong as error:
        raise StatementError("late", str(error), text) from error
    except duckdb.Error as error:
        kind = "io" if isinstance(error, duckdb.IOException | duckdb.FatalException) else "sql"
        raise StatementError(kind, str(error), text) from error
    return {
        "columns": [d[0] for d in description],
        "types": [str(d[1]) for d in description],
        "rows": rows,
    }
