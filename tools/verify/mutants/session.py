"""One connection to an in-memory database, with a time limit and failures told apart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import duckdb

from tools.verify import memory
from tools.verify.mutants.clock import Clock

Kind = Literal["binds", "runs", "time", "broken"]

_BINDING = (
    duckdb.BinderException,
    duckdb.CatalogException,
    duckdb.ParserException,
    duckdb.SyntaxException,
    duckdb.NotImplementedException,
)


class Failed(Exception):
    """A statement that did not work.

    Args:
        kind: ``binds`` no such column, function or syntax; ``runs`` an error that depends on the
            data; ``time`` it took too long, or too much memory; ``broken`` the database itself
            failed.
        message: the first line of what DuckDB says.
    """

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message

    def __reduce__(self) -> tuple[type[Failed], tuple[Kind, str]]:
        """Made again from both parts: faults are also tried in other processes."""
        return Failed, (self.kind, self.message)


class Session:
    """A connection of one thread.

    Args:
        connection: to use; nobody else may use it.
        clock: stops statements that run too long.
        seconds: how long one may run.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, clock: Clock, seconds: float) -> None:
        self._connection = connection
        self._clock = clock
        self._seconds = seconds

    def run(self, sql: str, values: list[Any] | None = None) -> list[tuple[Any, ...]]:
        """Runs one statement, with values for its question marks, and gives its rows.

        Raises:
            Failed: in one of the ways that :class:`Failed` names.
        """
        with self._limited():
            return self._connection.execute(sql, values).fetchall()

    def typed(self, sql: str, most: int) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """Runs a query and gives the types of its columns and its rows.

        Args:
            sql: the query.
            most: how many rows to give; what comes after them is left.

        Raises:
            Failed: in one of the ways that :class:`Failed` names.
        """
        with self._limited():
            found = self._connection.execute(sql)
            kinds = tuple(str(column[1]) for column in found.description or ())
            return kinds, found.fetchmany(most)

    @contextmanager
    def _limited(self) -> Iterator[None]:
        self._clock.start(self._connection, self._seconds)
        try:
            with memory.limited():
                yield
        except duckdb.InterruptException as error:
            raise Failed("time", f"took longer than {self._seconds:g} s") from error
        except _BINDING as error:
            raise Failed("binds", _first_line(error)) from error
        except (duckdb.OutOfMemoryException, MemoryError) as error:
            raise Failed("time", f"took more memory than {memory.shown()}") from error
        except (duckdb.InternalException, duckdb.FatalException) as error:
            raise Failed("broken", _first_line(error)) from error
        except (duckdb.Error, ValueError, OverflowError) as error:
            raise Failed("runs", _first_line(error)) from error
        finally:
            self._clock.stop(self._connection)

    def names(self, sql: str) -> list[tuple[str, str]]:
        """The columns of a query as (name, type).

        Raises:
            Failed: when it does not bind.
        """
        return [(str(row[0]), str(row[1])) for row in self.run(f"describe {sql}")]


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no reason given"])[0]
