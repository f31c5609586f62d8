"""A program in a pseudo-terminal, and the screen that a person would see."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

import pyte

PATIENCE = 30.0
"""Seconds until a screen that does not come counts as a failure."""

KEYS = {"esc": "\x1b", "ctrl-c": "\x03", "ctrl-d": "\x04", "ctrl-o": "\x0f", "enter": "\r"}


class Terminal:
    """Runs a program; a context manager that ends it.

    Args:
        argv: the program and its arguments.
        cwd: where it runs.
        env: its environment.
        columns: how wide the screen is.
        lines: how high.
    """

    def __init__(
        self, argv: Sequence[str], *, cwd: Path, env: dict[str, str], columns: int = 80,
        lines: int = 24,
    ) -> None:  # fmt: skip
        self.screen = pyte.HistoryScreen(columns, lines, history=5000, ratio=1)
        self.raw = b""
        self._stream = pyte.ByteStream(self.screen)
        self.pid, self._tty = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            os.execve(argv[0], list(argv), {**env, "TERM": "xterm-256color"})  # noqa: S606
        fcntl.ioctl(self._tty, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.code: int | None = None

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self._tty)

    @property
    def text(self) -> str:
        """All that was printed and is still there, also what scrolled out at the top."""
        above = [self._row(row) for row in self.screen.history.top]
        return "\n".join([*above, *(line.rstrip() for line in self.screen.display)]).rstrip()

    def _row(self, row: dict[int, object]) -> str:
        chars = (row[column].data for column in range(self.screen.columns))  # type: ignore[attr-defined]
        return "".join(chars).rstrip()

    def type(self, text: str) -> None:
        """Presses keys."""
        os.write(self._tty, text.encode())

    def send(self, text: str) -> None:
        """Types a line."""
        self.type(f"{text}\r")

    def press(self, key: str) -> None:
        """Presses a key by its name."""
        self.type(KEYS[key])

    def wait(self, wanted: str | Callable[[str], bool], *, times: int = 1) -> str:
        """Waits until the screen shows something so many times; returns all of its text."""
        found = wanted if callable(wanted) else (lambda text: text.count(wanted) >= times)
        deadline = time.monotonic() + PATIENCE
        while not found(self.text):
            if time.monotonic() > deadline or not self._read(0.5):
                break
        assert found(self.text), f"no {wanted!r} on the screen:\n{self.text}"
        return self.text

    def finish(self) -> int:
        """Waits for the program's end; returns its exit code."""
        deadline = time.monotonic() + PATIENCE
        while self._read(0.5):
            assert time.monotonic() < deadline, f"it does not end:\n{self.text}"
        _, status = os.waitpid(self.pid, 0)
        self.code = os.waitstatus_to_exitcode(status)
        return self.code

    def _read(self, seconds: float) -> bool:
        """Whether there may be more."""
        if select.select([self._tty], [], [], seconds)[0]:
            try:
                data = os.read(self._tty, 65536)
            except OSError:  # the other end is closed
                return False
            self.raw += data
            self._stream.feed(data)
            return bool(data)
        return True
