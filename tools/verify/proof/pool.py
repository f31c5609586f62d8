"""Work done by processes of our own: busy Python uses one core, however many threads it has.

Processes are started afresh, never forked: DuckDB has threads. They are handed plain data through
pipes, and end when these close: also when the caller is killed.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from tools.verify.worker_process import environment

Ground = TypeVar("Ground")
Job = TypeVar("Job")
Answer = TypeVar("Answer")

GRACE = 15.0
"""Seconds after its deadline that a job may still take; then its process is ended."""

_MOST = 4
_MODULE = "tools.verify.proof.pool_main"


class Lost(Exception):
    """A job has no answer; the text says why."""


def processes() -> int:
    """How many processes are of use here."""
    known = getattr(os, "sched_getaffinity", None)
    return min(_MOST, len(known(0)) if known else os.cpu_count() or 1)


class Started:
    """Processes that are started before it is known what they are to do.

    What they import takes as long as some jobs do, and may be done while a core is idle.

    Args:
        module: what they import.
        count: how many; with one there is none, as its jobs are done where they are handed in.
    """

    def __init__(self, module: str, count: int) -> None:
        self._lock = threading.Lock()
        self._workers: list[_Worker] = []
        with suppress(OSError):  # who needs one will try again, and say it
            for _ in range(count if count > 1 else 0):
                self._workers.append(_Worker((sys.executable, "-m", _MODULE, module)))

    def take(self) -> _Worker | None:
        """One of them, which is the caller's from now on; None when there is none left."""
        with self._lock:
            return self._workers.pop() if self._workers else None

    def close(self) -> None:
        """Ends those that nobody took."""
        while (worker := self.take()) is not None:
            worker.kill()
            worker.close()


class Pool(Generic[Ground, Job, Answer]):
    """Does jobs in several processes; a context manager that leaves none running.

    Args:
        task: a function of a module, called with the ground and a job.
        ground: what all jobs need; it is shipped once to each process.
        count: how many processes; with one, jobs are done here, when they are handed in.
        command: another program that speaks the protocol (tests).
        started: processes that wait for work; more are started where these do not suffice.
    """

    def __init__(
        self,
        task: Callable[[Ground, Job], Answer],
        ground: Ground,
        count: int,
        *,
        command: tuple[str, ...] = (sys.executable, "-m", _MODULE),
        started: Started | None = None,
    ) -> None:
        self._task, self._ground, self._command = task, ground, command
        self._waiting = started
        self._threads = ThreadPoolExecutor(count, "faults") if count > 1 else None
        self._shipped = pickle.dumps((task, ground)) if count > 1 else b""
        self._local = threading.local()
        self._lock = threading.Lock()
        self._workers: list[_Worker] = []
        self._stopped = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        with self._lock:
            self._stopped = True
            for worker in self._workers:
                worker.kill()
        if self._threads is not None:
            self._threads.shutdown(cancel_futures=True)
        for worker in self._workers:
            worker.close()

    def submit(self, job: Job, until: float = 0.0, *, seconds: float = 0.0) -> Future[Answer]:
        """Has a job done; what its future raises is :class:`Lost` when a process is no more.

        Args:
            job: plain data.
            until: of ``time.monotonic()``: when the job ends by itself.
            seconds: likewise, after which time from when it begins; the later of both counts.
        """
        if self._threads is not None:
            return self._threads.submit(self._ask, job, until, seconds)
        found: Future[Answer] = Future()
        try:
            found.set_result(self._task(self._ground, job))
        except Exception as error:  # noqa: BLE001  raised where the answer is asked for
            found.set_exception(error)
        return found

    def _ask(self, job: Job, until: float, seconds: float) -> Answer:
        worker = self._worker()
        end = max(until, time.monotonic() + seconds) + GRACE
        try:
            answer: Answer = worker.ask(pickle.dumps(job), end)
        except _Gone as gone:
            self._local.worker = None  # the next job has a new process
            raise Lost(str(gone)) from None
        return answer

    def _worker(self) -> _Worker:
        """The process of this thread; what it imports takes as long as some jobs do."""
        found: _Worker | None = getattr(self._local, "worker", None)
        if found is None:
            with self._lock:
                if self._stopped:
                    raise Lost("it was cancelled")
                try:
                    found = (self._waiting and self._waiting.take()) or _Worker(self._command)
                except OSError as error:
                    raise Lost(f"no process can be started: {error}") from None
                self._workers.append(found)
            self._local.worker = found
            with suppress(OSError):  # the first answer says that it is gone
                found.send(self._shipped)
        return found


class _Gone(Exception):
    """The process gives no answer, and will not."""


class _Worker:
    """One process."""

    def __init__(self, command: tuple[str, ...]) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment(),
            start_new_session=True,  # Ctrl-C is ours to act on
        )
        assert self._process.stdin is not None  # noqa: S101  it is started with pipes
        assert self._process.stdout is not None  # noqa: S101
        self._to = Connection(os.dup(self._process.stdin.fileno()), readable=False)
        self._from = Connection(os.dup(self._process.stdout.fileno()), writable=False)
        self._process.stdin.close()
        self._process.stdout.close()

    def send(self, message: bytes) -> None:
        """Hands over a message."""
        self._to.send_bytes(message)

    def ask(self, message: bytes, until: float) -> Any:
        """The answer to a message.

        Raises:
            _Gone: there is none by then, or there will be none.
            Lost: the job failed; the process lives on.
        """
        try:
            self.send(message)
            if not self._from.poll(max(0.0, until - time.monotonic())):
                self.kill()
                raise _Gone("its process did not end in time")
            done, answer = pickle.loads(self._from.recv_bytes())  # noqa: S301  of our own child
        except (EOFError, OSError):
            self.kill()
            raise _Gone(f"its process ended with code {self._process.wait()}") from None
        if not done:
            raise Lost(str(answer))
        return answer

    def kill(self) -> None:
        """Ends it at once; who waits for an answer learns it."""
        self._process.kill()

    def close(self) -> None:
        """Waits for its end; it was killed before."""
        self._process.wait()
        self._to.close()
        self._from.close()
