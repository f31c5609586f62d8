"""Subprocesses: argument lists, never a shell; a time limit that ends the whole process group.

A program gets an environment of its own making: what it takes to find programs, speak the
person's language and reach the network, and what the caller names. Keys never leak into it.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tools.errors import ProgramMissing, UsageError

OUTPUT_LIMIT = 1024 * 1024
"""Bytes of standard output, and of standard error, that are kept: half from each end."""

TIMED_OUT = 124
"""The exit code of a program that was stopped for taking too long, as timeout(1) has it."""

GRACE = 3.0
"""Seconds between asking a process group to end and ending it."""

_PASSED = frozenset(
    """
    PATH HOME USER LOGNAME LANG LANGUAGE LC_ALL LC_CTYPE LC_MESSAGES LC_NUMERIC LC_TIME TZ
    TMPDIR TMP TEMP XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME VIRTUAL_ENV PYTHONPATH
    LD_LIBRARY_PATH NO_COLOR SYSTEMROOT
    SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE NODE_EXTRA_CA_CERTS
    HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY http_proxy https_proxy all_proxy no_proxy
    """.split()
)


@dataclass(frozen=True)
class Completed:
    """A program that has ended; ``code`` is negative when a signal ended it."""

    code: int
    stdout: str
    stderr: str
    seconds: float
    timed_out: bool = False
    cancelled: bool = False


def scrubbed_environment(given: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for a program: the harmless part of ours, and what is ``given``."""
    return {k: v for k, v in os.environ.items() if k in _PASSED} | dict(given or {})


def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    timeout: float,
    env: Mapping[str, str] | None = None,
    input: str | None = None,  # noqa: A002  # the name that subprocess.run gave it
    cancel: threading.Event | None = None,
) -> Completed:
    """Run a program to its end, or to the end of its time.

    Processes that it leaves behind in its group are ended with it. Output beyond
    :data:`OUTPUT_LIMIT` is cut out of the middle, and said to be.

    Args:
        argv: the program and its arguments; no shell ever reads them.
        cwd: the folder to run in.
        timeout: seconds; then the whole process group gets SIGTERM, and SIGKILL after
            :data:`GRACE`. The result then has ``timed_out`` and the code :data:`TIMED_OUT`.
        env: variables beside the ones of :func:`scrubbed_environment`.
        input: text for its standard input, which is empty otherwise.
        cancel: once it is set the program is stopped as at the end of its time; the result then
            has ``cancelled``.

    Raises:
        ProgramMissing: there is no such program, or it may not be run.
        UsageError: the folder does not exist, or an argument holds a NUL.
    """
    started = time.monotonic()
    process = _start(argv, cwd, scrubbed_environment(env), has_input=input is not None)
    try:
        talk = _Talk(process, (input or "").encode("utf-8", "surrogateescape"))
        ended = talk.until(started + timeout, cancel or threading.Event())
    finally:
        _end(process)
    cancelled = not ended and cancel is not None and cancel.is_set()
    timed_out = not ended and not cancelled
    code = TIMED_OUT if timed_out else process.returncode
    seconds = time.monotonic() - started
    return Completed(code, talk.stdout.text(), talk.stderr.text(), seconds, timed_out, cancelled)


def _start(
    argv: Sequence[str], cwd: Path, env: dict[str, str], *, has_input: bool
) -> subprocess.Popen[bytes]:
    if isinstance(argv, str) or not argv or any("\0" in part for part in argv):
        raise UsageError(f"{argv!r} is not a list of arguments", "Give a program and arguments.")
    if not cwd.is_dir():
        raise UsageError(f"{cwd}: no such folder to run {argv[0]} in", "Check the path.")
    try:
        return subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=env,
            stdin=subprocess.PIPE if has_input else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise ProgramMissing(
            f"{argv[0]} is not installed, or not on the PATH",
            f"Install {argv[0]}, or put the folder that holds it on the PATH.",
        ) from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ProgramMissing(
            f"{argv[0]} cannot be run: {reason}", "Check its permissions and its installation."
        ) from error


def _end(process: subprocess.Popen[bytes]) -> None:
    """End what is left of the process group, kindly first if its leader still runs."""
    if process.poll() is None:
        _signal(process, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
    _signal(process, signal.SIGKILL)
    process.wait()
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            stream.close()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):  # macOS: a group of zombies refuses
        os.killpg(process.pid, number)


@dataclass
class _Kept:
    """Both ends of a stream of bytes."""

    head: bytearray = field(default_factory=bytearray)
    tail: bytearray = field(default_factory=bytearray)
    dropped: int = 0

    def add(self, data: bytes) -> None:
        room = OUTPUT_LIMIT // 2 - len(self.head)
        self.head += data[: max(room, 0)]
        self.tail += data[max(room, 0) :]
        # Cut now and then, not at each piece: moving the tail costs as much as it is long.
        if len(self.tail) > OUTPUT_LIMIT:
            self._cut()

    def _cut(self) -> None:
        excess = max(len(self.tail) - OUTPUT_LIMIT // 2, 0)
        del self.tail[:excess]
        self.dropped += excess

    def text(self) -> str:
        self._cut()
        gap = f"\n[... {self.dropped:,} bytes left out ...]\n" if self.dropped else ""
        head, tail = (bytes(b).decode("utf-8", "replace") for b in (self.head, self.tail))
        return head + gap + tail if gap else bytes(self.head + self.tail).decode("utf-8", "replace")


class _Talk:
    """Feeds a process and listens to it, in one thread and without blocking."""

    def __init__(self, process: subprocess.Popen[bytes], data: bytes) -> None:
        self.stdout, self.stderr = _Kept(), _Kept()
        self._process = process
        self._data = memoryview(data)

    def until(self, deadline: float, cancel: threading.Event) -> bool:
        """Whether the process ended before ``deadline`` (of the monotonic clock) and ``cancel``."""
        with selectors.DefaultSelector() as selector:
            for stream, kept in (
                (self._process.stdout, self.stdout),
                (self._process.stderr, self.stderr),
            ):
                assert stream is not None  # noqa: S101  # piped by _start
                selector.register(stream, selectors.EVENT_READ, kept)
            if self._process.stdin is not None:
                os.set_blocking(self._process.stdin.fileno(), False)
                selector.register(self._process.stdin, selectors.EVENT_WRITE)
            while selector.get_map():
                left = deadline - time.monotonic()
                if left <= 0 or cancel.is_set():
                    return False
                ready = selector.select(min(left, 0.1))
                for key, _ in ready:
                    self._serve(selector, key)
                # A child of the program may hold the pipes open: its end is what counts.
                if not ready and self._process.poll() is not None:
                    return True
        try:
            self._process.wait(max(deadline - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            return False
        return True

    def _serve(self, selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
        stream: IO[bytes] = key.fileobj  # type: ignore[assignment]  # registered above
        if isinstance(key.data, _Kept):
            data = os.read(key.fd, 65536)
            key.data.add(data)
            done = not data
        else:
            done = self._feed(key.fd)
        if done:
            selector.unregister(stream)
            stream.close()

    def _feed(self, descriptor: int) -> bool:
        try:
            self._data = self._data[os.write(descriptor, self._data[:65536]) :]
        except BrokenPipeError:
            return True  # it does not want to read on, which is its right
        except BlockingIOError:
            return False
        return not self._data
