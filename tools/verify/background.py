"""Work that goes on beside other work: in a thread, with a dbt that can be taken away from it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Generic, TypeVar

from tools.verify.replies import DbtRun, Rows, Statement
from tools.verify.worker import DbtWorker

Made = TypeVar("Made")


class Stopped(Exception):
    """Nobody waits for the work any more."""


class Lent(DbtWorker):
    """A warm dbt that belongs to somebody else, until it is taken back.

    Args:
        worker: whose process it is.
        back: set when it is taken back; then each request raises :class:`Stopped`.
    """

    def __init__(self, worker: DbtWorker, back: threading.Event) -> None:
        super().__init__(worker.state)
        self._worker, self._back = worker, back

    def dbt(
        self,
        args: Sequence[str],
        vars: Mapping[str, Any] | None = None,  # noqa: A002 - dbt's own word
        *,
        project: Path,
        database: Path,
        profiles: Path | None = None,
        timeout: float | None = None,
    ) -> DbtRun:
        """Runs a dbt command."""
        self._check()
        return self._worker.dbt(
            args, vars, project=project, database=database, profiles=profiles, timeout=timeout
        )

    def sql(
        self, database: Path, statements: Sequence[Statement], *, timeout: float | None = None
    ) -> tuple[Rows, ...]:
        """Runs statements on a database file."""
        self._check()
        return self._worker.sql(database, statements, timeout=timeout)

    def _check(self) -> None:
        if self._back.is_set():
            raise Stopped


class Beside(Generic[Made]):
    """Work in a thread of its own, begun at once.

    Args:
        work: what is done, with the dbt that it may use.
        worker: that dbt.
    """

    def __init__(self, work: Callable[[DbtWorker], Made], worker: DbtWorker) -> None:
        self._worker, self._back = worker, threading.Event()
        self._future = in_background(lambda: work(Lent(worker, self._back)))

    def done(self) -> Made | None:
        """What was made, if it is; what went wrong is raised."""
        return self._future.result() if self._future.done() else None

    def result(self) -> Made:
        """What was made, when it is; what went wrong is raised."""
        return self._future.result()

    def stop(self, *, at_once: bool) -> None:
        """Has the work left off, and waits for that.

        Args:
            at_once: in the middle of a request; the process of dbt is ended for it.
        """
        self._back.set()
        if at_once and not self._future.done():
            self._worker.interrupt()
        self._future.exception()


def in_background(make: Callable[[], Made]) -> Future[Made]:
    """What a thread makes, begun at once."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="beside")
    try:
        return pool.submit(make)
    finally:
        pool.shutdown(wait=False)
