"""What dbt-duckdb sends statements through in the worker process: each has a time limit.

A query that never ends fails the model or the test that it belongs to, and dbt goes on with the
others. Importing this module imports dbt.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dbt.adapters.duckdb.environments import local

from tools.verify.mutants.clock import Clock
from tools.verify.worker_limit import Limit

_limits: list[Limit] = []
"""The limit of the command that is running; none between commands."""


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Holds every statement to a limit until the end.

    Args:
        seconds: that one may take.
    """
    with Clock() as clock:
        _limits.append(Limit(clock, seconds))
        try:
            yield
        finally:
            _limits.clear()


class _Cursor(local.DuckDBCursorWrapper):
    """What dbt-duckdb sends statements through. Some do their work while rows are fetched."""

    def execute(self, sql: str, bindings: Any = None) -> Any:
        with self._limited():
            return super().execute(sql, bindings)  # type: ignore[no-untyped-call]

    def fetchone(self) -> Any:
        with self._limited():
            return self._cursor.fetchone()

    def fetchmany(self, *sizes: int) -> Any:
        with self._limited():
            return self._cursor.fetchmany(*sizes)

    def fetchall(self) -> Any:
        with self._limited():
            return self._cursor.fetchall()

    @contextmanager
    def _limited(self) -> Iterator[None]:
        if not _limits:
            yield
            return
        with _limits[0].over(self._cursor):
            yield


def watch() -> None:
    """Has dbt-duckdb send its statements through here."""
    setattr(local, "DuckDBCursorWrapper", _Cursor)  # noqa: B010 - mypy knows it as a type
