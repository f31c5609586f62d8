"""A background process that is spoken to in lines of JSON, and leaves nothing running."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from tools.errors import ProgramMissing

_KEPT_ENVIRONMENT = ("HOME", "LANG", "LC_ALL", "LC_CTYPE", "PATH", "TMPDIR", "VIRTUAL_ENV")


class Ended(Exception):
    """The process gave no answer: it is ``late``, or its pipe is closed."""

    def __init__(self, *, late: bool) -> None:
        super().__init__()
        self.late = late


class WorkerProcess:
    """One run of the program.

    Args:
        command: the program; it reads requests from its standard input and answers on its
            standard output, and ends when its input does.
        log: takes its standard error.

    Raises:
        ProgramMissing: it cannot be started, or the log not be written.
    """

    def __init__(self, command: Sequence[str], log: Path) -> None:
        self._buffer = b""
        self.greeted = False
        try:
            log.parent.mkdir(parents=True, exist_ok=True)
            with log.open("ab") as errors:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    cwd=log.parent,
                    env=environment(),
                    start_new_session=True,
                )
        except OSError as error:
            raise ProgramMissing(
                f"the dbt process cannot be started: {error}",
                "check free disk space and that the workspace can be written",
            ) from error

    @property
    def pid(self) -> int | None:
        """The process id, while it runs."""
        return self._process.pid if self._process.poll() is None else None

    def send(self, request: Mapping[str, Any]) -> None:
        """Writes a request.

        Raises:
            Ended: the process reads no more.
        """
        pipe = _open(self._process.stdin)
        try:
            pipe.write(json.dumps(request).encode() + b"\n")
            pipe.flush()
        except OSError:
            raise Ended(late=False) from None

    def receive(self, deadline: float) -> dict[str, Any]:
        """The next line of the process.

        Args:
            deadline: by the monotonic clock, in seconds.

        Raises:
            Ended: there is none by then, or there will be none.
        """
        out = _open(self._process.stdout).fileno()
        while b"\n" not in self._buffer:
            ready, _, _ = select.select([out], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise Ended(late=True)
            chunk = os.read(out, 1 << 20)
            if not chunk:
                raise Ended(late=False)
            self._buffer += chunk
        line, _, self._buffer = self._buffer.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        return found

    def death(self) -> str:
        """How it ended, in words."""
        code: int | None = None
        with suppress(subprocess.TimeoutExpired):
            code = self._process.wait(2)
        return f"by {signal.Signals(-code).name}" if code and code < 0 else f"with code {code}"

    def kill(self) -> None:
        """Ends it at once, with all that it started; who waits for an answer learns it."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def close(self, *, kindly: bool = True) -> None:
        """Ends it, with all that it started; kindly means that it may notice first.

        Between requests it holds no file, so nothing is lost when it does not notice in time.
        """
        with suppress(OSError):
            _open(self._process.stdin).close()  # the process ends when its input does
        try:
            self._process.wait(0.2 if kindly else 0)
        except subprocess.TimeoutExpired:
            self.kill()
            self._process.wait()
        _open(self._process.stdout).close()


def _open(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None  # noqa: S101  the process is started with pipes
    return stream


def environment() -> dict[str, str]:
    """What our processes see of our environment: no dbt settings, no secrets, no network habits."""
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
