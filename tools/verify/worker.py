"""A warm dbt: one background process that serves dbt commands and SQL on database files.

A DuckDB file can be held by one process only, and a cold dbt takes seconds to import. So one
worker process does both, and lets go of the file after each request.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from tools.errors import InternalError, ProgramMissing
from tools.verify.replies import DbtRun, Rows, Statement

_KEPT_ENVIRONMENT = ("HOME", "LANG", "LC_ALL", "LC_CTYPE", "PATH", "TMPDIR", "VIRTUAL_ENV")
_REINSTALL = "install dbt-core 1.11 and dbt-duckdb beside specmill: pip install --upgrade specmill"


class DatabaseError(InternalError):
    """A statement that specmill sent to the database failed."""


class DbtWorker:
    """The background process; a context manager that leaves nothing running.

    Args:
        state: folder for logs and dbt's target folders (the workspace's ``.specmill``).
        timeout: seconds that a request may take before the process is killed.
        command: another program that speaks the protocol (tests).
    """

    def __init__(
        self, state: Path, *, timeout: float = 900.0, command: Sequence[str] | None = None
    ) -> None:
        self.state = state.resolve()
        self._timeout = timeout
        self._command = tuple(command or (sys.executable, "-m", "tools.verify.worker_main"))
        self._process: subprocess.Popen[bytes] | None = None
        self._buffer = b""
        self._requests = 0
        self._greeted = False
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def log(self) -> Path:
        """The file that takes whatever dbt prints."""
        return self.state / "logs" / "dbt-worker.log"

    @property
    def pid(self) -> int | None:
        """The process id, while the process runs."""
        running = self._process is not None and self._process.poll() is None
        return self._process.pid if running and self._process is not None else None

    def start(self) -> None:
        """Starts the process and returns at once; it imports dbt in the meantime.

        Raises:
            ProgramMissing: the process cannot be started or the state folder not be written.
        """
        if self.pid is not None:
            return
        self.close()
        try:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            with self.log.open("ab") as log:
                self._process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    cwd=self.state,
                    env=_environment(),
                    start_new_session=True,
                )
        except OSError as error:
            raise ProgramMissing(
                f"the dbt process cannot be started: {error}",
                "check free disk space and that the workspace can be written",
            ) from error

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
        """Runs a dbt command.

        Args:
            args: the command and its options, such as ``["build", "--select", "dim_order"]``.
            vars: dbt variables.
            project: folder of dbt_project.yml.
            database: DuckDB file that the profile's ``SPECMILL_DUCKDB_PATH`` is to name.
            profiles: folder of profiles.yml; the project's own by default.
            timeout: seconds, when not the worker's.

        Raises:
            ProgramMissing: dbt is not installed, crashed, or took too long.
        """
        reply = self._ask(
            {
                "op": "dbt",
                "args": list(args),
                "vars": json.dumps(dict(vars or {}), sort_keys=True),
                "project": str(project.resolve()),
                "profiles": str((profiles or project).resolve()),
                "database": str(database.resolve()),
                "target": str(self.state / "dbt" / database.stem / "target"),
                "logs": str(self.state / "dbt" / database.stem / "logs"),
            },
            timeout,
        )["dbt"]
        return DbtRun(
            success=reply["success"],
            error=reply["error"],
            results=tuple(reply["results"]),
            nodes=reply["nodes"],
            events=tuple(reply["events"]),
            seconds=reply["seconds"],
        )

    def sql(
        self, database: Path, statements: Sequence[Statement], *, timeout: float | None = None
    ) -> tuple[Rows, ...]:
        """Runs statements in order on one connection to a database file, which is made if absent.

        Raises:
            DatabaseError: a statement is refused by the database.
            ProgramMissing: the file is locked, damaged or cannot be written; DuckDB crashed.
        """
        request = {"op": "sql", "database": str(database.resolve()), "statements": list(statements)}
        found = self._ask(request, timeout)["rows"]
        return tuple(
            Rows(tuple(r["columns"]), tuple(r["types"]), tuple(tuple(row) for row in r["rows"]))
            for r in found
        )

    def close(self) -> None:
        """Ends the process, kindly first."""
        process, self._process = self._process, None
        self._buffer, self._greeted = b"", False
        if process is None:
            return
        with suppress(OSError):
            _pipe(process.stdin).close()  # the process ends when its input does
        try:
            process.wait(2)
        except subprocess.TimeoutExpired:
            _kill(process)
        _pipe(process.stdout).close()

    def _ask(self, request: dict[str, Any], timeout: float | None) -> dict[str, Any]:
        """Sends a request and waits for its reply; a broken process is cleared away."""
        limit = timeout or self._timeout
        with self._lock:
            self.start()
            self._requests += 1
            try:
                reply = self._exchange({**request, "id": self._requests}, limit)
            except _Ended as ended:
                raise self._account_of(ended, request, limit) from None
            except BaseException:
                self._abandon()  # interrupted: an answer that nobody reads must not stay behind
                raise
        if "error" in reply:
            raise _error_of(reply["error"], self.log)
        return reply

    def _exchange(self, request: dict[str, Any], limit: float) -> dict[str, Any]:
        deadline = time.monotonic() + limit
        process = self._process
        if process is None:
            raise _Ended(late=False)
        try:
            _pipe(process.stdin).write(json.dumps(request).encode() + b"\n")
            _pipe(process.stdin).flush()
        except OSError:
            raise _Ended(late=False) from None
        if not self._greeted:
            hello = self._line(process, deadline)["hello"]
            if "missing" in hello:
                raise ProgramMissing(f"dbt cannot be used: {hello['missing']}", _REINSTALL)
            self._greeted = True
        return self._line(process, deadline)

    def _line(self, process: subprocess.Popen[bytes], deadline: float) -> dict[str, Any]:
        """The next line of the process as JSON."""
        out = _pipe(process.stdout).fileno()
        while b"\n" not in self._buffer:
            ready, _, _ = select.select([out], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise _Ended(late=True)
            chunk = os.read(out, 1 << 20)
            if not chunk:
                raise _Ended(late=False)
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        return found

    def _abandon(self) -> None:
        if self._process is not None:
            _kill(self._process)
        self.close()

    def _account_of(
        self, ended: _Ended, request: Mapping[str, Any], limit: float
    ) -> ProgramMissing:
        """Clears the process away and says what became of it."""
        what = f"dbt {' '.join(request['args'])}" if request["op"] == "dbt" else "a SQL statement"
        process = self._process
        code = None
        if process is not None and not ended.late:
            with suppress(subprocess.TimeoutExpired):
                code = process.wait(2)
        self._abandon()
        if ended.late:
            return ProgramMissing(
                f"{what} did not finish within {limit:g} s and was stopped",
                f"see {self.log}; give it more time, or less data",
            )
        died = f"by {signal.Signals(-code).name}" if code and code < 0 else f"with code {code}"
        return ProgramMissing(
            f"the dbt process ended {died} during {what}",
            f"see {self.log}; SIGKILL usually means that memory ran out",
        )


class _Ended(Exception):
    """The process gave no answer: ``late``, or its pipe is closed."""

    def __init__(self, *, late: bool) -> None:
        super().__init__()
        self.late = late


def _pipe(stream: Any) -> BinaryIO:
    if stream is None:
        raise InternalError("the dbt process was started without pipes")
    pipe: BinaryIO = stream
    return pipe


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Ends the whole process group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _environment() -> dict[str, str]:
    """Little of our own environment: no dbt settings, no secrets, no network habits."""
    package = Path(__file__).resolve().parents[2]
    kept = {k: os.environ[k] for k in _KEPT_ENVIRONMENT if k in os.environ}
    return {
        **kept,
        "PYTHONPATH": str(package),  # where this package was imported from
        "PYTHONSAFEPATH": "1",  # a folder called dbt/ or tools/ in a workspace is not ours
        "PYTHONUTF8": "1",
        "PYTHONWARNINGS": "ignore",  # of libraries, about each other
        "TZ": "UTC",
        "DO_NOT_TRACK": "1",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


def _error_of(error: Mapping[str, str], log: Path) -> Exception:
    kind, message = error["kind"], error["message"]
    if kind == "io":
        return ProgramMissing(
            f"the DuckDB file cannot be used: {message.splitlines()[0]}",
            "close other programs that have it open; if it is damaged, delete it: it is rebuilt",
        )
    if kind == "sql":
        return DatabaseError(message, f"statement: {error.get('statement', '')}")
    return InternalError(f"the dbt process failed: {message}", f"see {log}")
