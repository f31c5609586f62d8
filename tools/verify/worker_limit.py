"""A time limit for each statement that the worker process sends to DuckDB."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from tools.verify.mutants.clock import Clock

_LEAST = 1 / 6
"""The share of the time that is left when many statements took too long: a hundred tests of a view
that never ends are to be through before nobody waits for them any more."""


_STOPPED = "seconds and was stopped"


class TookTooLong(Exception):
    """A statement was stopped."""


class Limit:
    """How long each statement may take; after some that took too long, others get less.

    Those that follow often read the same table.

    Args:
        clock: stops them.
        seconds: that the first ones may take.
    """

    def __init__(self, clock: Clock, seconds: float) -> None:
        self._clock, self._seconds = clock, seconds
        self._late = 0
        self._lock = threading.Lock()

    @contextmanager
    def over(self, connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Holds a statement to the limit.

        Raises:
            TookTooLong: it was stopped.
        """
        with self._lock:
            seconds = self._seconds * max(_LEAST, 1 / (1 + self._late))
        self._clock.start(connection, seconds)
        try:
            yield
        except duckdb.InterruptException as error:
            with self._lock:
                self._late += 1
            raise TookTooLong(said(seconds)) from error
        finally:
            self._clock.stop(connection)


def said(seconds: float) -> str:
    """What is said of a statement that was stopped after so many seconds."""
    return (
        f"the query took longer than {seconds:.3g} {_STOPPED}\n"
        "a recursion, or a join without a condition, may never end\n"
        "if it only takes long, set query_seconds in specmill.toml"
    )


def is_late(message: str | None) -> bool:
    """Whether a message is about a statement that was stopped."""
    return _STOPPED in (message or "")
