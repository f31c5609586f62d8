"""A time limit for queries: one thread that interrupts those that run too long."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self

import duckdb

_STEP = 0.02  # seconds between two looks


class Clock:
    """Interrupts queries that run longer than they may; a context manager."""

    def __init__(self) -> None:
        self._running: dict[int, tuple[duckdb.DuckDBPyConnection, float]] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="query-clock", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def start(self, connection: duckdb.DuckDBPyConnection, seconds: float) -> None:
        """A query begins; it may run for so many seconds."""
        with self._lock:
            self._running[id(connection)] = (connection, time.monotonic() + seconds)

    def stop(self, connection: duckdb.DuckDBPyConnection) -> None:
        """The query has ended, one way or another."""
        with self._lock:
            self._running.pop(id(connection), None)

    def _watch(self) -> None:
        while not self._stop.wait(_STEP):
            now = time.monotonic()
            with self._lock:  # so that no connection is interrupted after its query has ended
                late = [c for c, until in self._running.values() if until < now]
                for connection in late:
                    connection.interrupt()
