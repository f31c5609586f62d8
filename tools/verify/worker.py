"""A warm dbt: one background process that serves dbt commands and SQL on database files.

A DuckDB file can be held by one process only, and a cold dbt takes seconds to import. So one
worker process does both, and lets go of the file after each request.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tools.errors import InternalError, ProgramMissing
from tools.verify.replies import DbtRun, Rows, Statement
from tools.verify.worker_process import Ended, WorkerProcess

QUERY_SECONDS = 60.0
"""Seconds that a statement of dbt may take, unless a person says otherwise."""

_REINSTALL = "install dbt-core 1.11 and dbt-duckdb beside specmill: pip install --upgrade specmill"


class DatabaseError(InternalError):
    """A statement that specmill sent to the database failed."""

    def __init__(self, message: str, statement: str) -> None:
        super().__init__(message, f"statement: {statement}")
        self.statement = statement


class QueryTooLong(DatabaseError):
    """A statement took longer than one may."""


class DbtWorker:
    """The background process; a context manager that leaves nothing running.

    Args:
        state: folder for logs and dbt's target folders (the workspace's ``.specmill``).
        timeout: seconds that a request may take before the process is killed; it depends on
            ``query_seconds`` by default.
        query_seconds: that one statement may take; then its model or test fails, and no other.
        command: another program that speaks the protocol (tests).
    """

    def __init__(
        self, state: Path, *, timeout: float | None = None, query_seconds: float = QUERY_SECONDS,
        command: Sequence[str] | None = None,
    ) -> None:  # fmt: skip
        self.state = state.resolve()
        self._timeout = timeout or max(900.0, 15 * query_seconds)
        self._query_seconds = query_seconds
        self._command = tuple(command or (sys.executable, "-m", "tools.verify.worker_main"))
        self._process: WorkerProcess | None = None
        self._requests = 0
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
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Starts the process and returns at once; it imports dbt in the meantime.

        Raises:
            ProgramMissing: the process cannot be started or the state folder not be written.
        """
        self._started()

    def prepare(self, project: Path, database: Path) -> None:
        """Has a project parsed in the background; the next request waits for that, if need be.

        What is wrong with the project, the next command says.

        Args:
            project: folder of dbt_project.yml.
            database: the DuckDB file that the next command will name.

        Raises:
            ProgramMissing: the process cannot be started.
        """
        with self._lock, suppress(Ended):
            self._send(self._started(), self._request(["parse"], {}, project, database, project))

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
        request = self._request(args, vars or {}, project, database, profiles or project)
        reply = self._ask(request, timeout)["dbt"]
        return DbtRun(
            success=reply["success"],
            error=reply["error"],
            results=tuple(reply["results"]),
            nodes=reply["nodes"],
            events=tuple(reply["events"]),
            listed=tuple(reply.get("listed", ())),
            seconds=reply["seconds"],
            unit_tests=tuple(reply.get("unit_tests", ())),
        )

    def sql(
        self, database: Path, statements: Sequence[Statement], *, timeout: float | None = None
    ) -> tuple[Rows, ...]:
        """Runs statements in order on one connection to a database file, which is made if absent.

        Raises:
            DatabaseError: a statement is refused by the database.
            QueryTooLong: it was stopped, as it took too long.
            ProgramMissing: the file is locked, damaged or cannot be written; DuckDB crashed.
        """
        request = {
            "op": "sql",
            "database": str(database.resolve()),
            "statements": list(statements),
            "query_seconds": self._query_seconds,
        }
        found = self._ask(request, timeout)["rows"]
        return tuple(
            Rows(tuple(r["columns"]), tuple(r["types"]), tuple(tuple(row) for row in r["rows"]))
            for r in found
        )

    def interrupt(self) -> None:
        """Kills the process in the middle of a request, from another thread; a new one follows."""
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        """Ends the process, kindly first."""
        self._drop(kindly=True)

    def _started(self) -> WorkerProcess:
        if self._process is None or self._process.pid is None:
            self._drop(kindly=True)
            self._process = WorkerProcess(self._command, self.log)
        return self._process

    def _drop(self, *, kindly: bool) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.close(kindly=kindly)

    def _request(
        self,
        args: Sequence[str],
        variables: Mapping[str, Any],
        project: Path,
        database: Path,
        profiles: Path,
    ) -> dict[str, Any]:
        folder = self.state / "dbt" / database.stem
        return {
            "op": "dbt",
            "args": list(args),
            "vars": json.dumps(dict(variables), sort_keys=True),
            "query_seconds": self._query_seconds,
            "project": str(project.resolve()),
            "profiles": str(profiles.resolve()),
            "database": str(database.resolve()),
            "target": str(folder / "target"),
            "logs": str(folder / "logs"),
        }

    def _ask(self, request: Mapping[str, Any], timeout: float | None) -> dict[str, Any]:
        """Sends a request and waits for its reply; a broken process is cleared away."""
        limit = timeout or self._timeout
        with self._lock:
            process = self._started()
            try:
                reply = self._exchange(process, request, time.monotonic() + limit)
            except Ended as ended:
                failed = self._account_of(ended, process, request, limit)
                self._drop(kindly=False)
                raise failed from None
            except BaseException:
                # Interrupted: an answer that nobody reads must not stay behind.
                self._drop(kindly=False)
                raise
        if "error" in reply:
            raise _error_of(reply["error"], self.log)
        return reply

    def _send(self, process: WorkerProcess, request: Mapping[str, Any]) -> int:
        """Sends a request and returns its number."""
        self._requests += 1
        process.send({**request, "id": self._requests})
        return self._requests

    def _exchange(
        self, process: WorkerProcess, request: Mapping[str, Any], deadline: float
    ) -> dict[str, Any]:
        """A request and its reply; replies before it belong to ``prepare``, and to nobody."""
        number = self._send(process, request)
        if not process.greeted:
            hello = process.receive(deadline)["hello"]
            if "missing" in hello:
                raise ProgramMissing(f"dbt cannot be used: {hello['missing']}", _REINSTALL)
            process.greeted = True
        while (reply := process.receive(deadline))["id"] != number:
            pass
        return reply

    def _account_of(
        self, ended: Ended, process: WorkerProcess, request: Mapping[str, Any], limit: float
    ) -> ProgramMissing:
        """What became of a process that gave no answer."""
        what = f"dbt {' '.join(request['args'])}" if request["op"] == "dbt" else "a SQL statement"
        if ended.late:
            return ProgramMissing(
                f"{what} did not finish within {limit:g} s and was stopped",
                f"see {self.log}; give it more time, or less data",
            )
        return ProgramMissing(
            f"the dbt process ended {process.death()} during {what}",
            f"see {self.log}; SIGKILL usually means that memory ran out",
        )


def _error_of(error: Mapping[str, str], log: Path) -> Exception:
    kind, message = error["kind"], error["message"]
    if kind == "io":
        return ProgramMissing(
            f"the DuckDB file cannot be used: {message.splitlines()[0]}",
            "close other programs that have it open; if it is damaged, delete it: it is rebuilt",
        )
    if kind == "late":
        return QueryTooLong(message, error.get("statement", ""))
    if kind == "sql":
        return DatabaseError(message, error.get("statement", ""))
    return InternalError(f"the dbt process failed: {message}", f"see {log}")
