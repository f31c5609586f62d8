"""The workspace: where its parts are, reads with limits, one run at a time.

Writes are in :mod:`tools.workspace_write`; the names that others use are offered here too.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TextIO

from tools.errors import InputError, ProgramMissing, SpecmillError, UsageError
from tools.findings import Finding, Location, Severity
from tools.workspace_write import (
    check_relative,
    delete_atomic,
    refused,
    remove_leftovers,
    shown,
    write_atomic,
)

__all__ = [
    "READ_LIMIT",
    "STATE",
    "Workspace",
    "check_relative",
    "delete_atomic",
    "find_workspace",
    "held",
    "read_text",
    "remove_leftovers",
    "run_lock",
    "shipped",
    "shown",
    "write_atomic",
]

STATE = ".specmill"
"""The folder of a workspace that holds what need not be kept: runs, databases, worktrees."""

READ_LIMIT = 10 * 1024 * 1024
"""Bytes that :func:`read_text` reads at most unless told otherwise."""


@dataclass(frozen=True)
class Workspace:
    """A folder with specs; ``constitution`` and ``workflows`` are its own or the shipped ones."""

    root: Path

    @property
    def state(self) -> Path:
        """The folder for what need not be kept; it may not exist yet."""
        return self.root / STATE

    @property
    def specs(self) -> Path:
        """The folder of the specs; it may not exist. Shipped examples never stand in for it."""
        return self.root / "specs"

    @property
    def constitution(self) -> Path:
        """The folder of the constitution in force."""
        return self._own_or_shipped("constitution")

    @property
    def workflows(self) -> Path:
        """The folder of the workflows in force."""
        return self._own_or_shipped("workflows")

    def _own_or_shipped(self, name: Literal["constitution", "workflows"]) -> Path:
        own = self.root / name
        return own if own.is_dir() else shipped(name)


def find_workspace(start: Path) -> Workspace:
    """The workspace that ``start`` (a folder, or a file in one) is in.

    The nearest folder upwards that holds ``specmill.toml``, or both ``constitution/`` and
    ``workflows/``, or that is the top of a git checkout; without one, ``start`` itself.

    Raises:
        UsageError: there is no such file or folder.
    """
    if not start.exists():
        raise UsageError(f"{start}: no such file or folder", "Check the path.")
    folder = start.resolve()
    folder = folder if folder.is_dir() else folder.parent
    for candidate in (folder, *folder.parents):
        own_content = (candidate / "constitution").is_dir() and (candidate / "workflows").is_dir()
        if (candidate / "specmill.toml").is_file() or own_content or (candidate / ".git").exists():
            return Workspace(candidate)
    return Workspace(folder)


def shipped(name: Literal["constitution", "workflows", "specs"]) -> Path:
    """The content folder that came with specmill.

    In an installed wheel it lies inside this package, in a source checkout beside it.

    Raises:
        ProgramMissing: the installation is incomplete.
    """
    here = Path(__file__).resolve().parent
    for folder in (here / "content" / name, here.parent / name):
        if folder.is_dir():
            return folder
    raise ProgramMissing(
        f"the {name} folder that comes with specmill is not there",
        "Install specmill again, or give the workspace a folder of that name.",
    )


def read_text(path: Path, *, limit: int = READ_LIMIT) -> str:
    """The text of a UTF-8 file, without a byte order mark, line ends as they are.

    Args:
        path: the file.
        limit: how many bytes it may have.

    Raises:
        UsageError: there is no such file, or it is a folder or a device.
        InputError: it is larger than ``limit``, or not UTF-8 (with line and column).
        ProgramMissing: it cannot be read.
    """
    name = shown(path)
    try:
        status = path.stat()  # before it is opened: opening a pipe would wait for its writer
        if stat.S_ISDIR(status.st_mode):
            raise UsageError(f"{name}: is a folder, not a file", "Name a file in it.")
        if not stat.S_ISREG(status.st_mode):
            raise UsageError(f"{name}: not a regular file", "Name a file.")
        with path.open("rb") as handle:
            data = handle.read(limit + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(f"{name}: no such file", "Check the path.") from error
    except OSError as error:
        raise refused(name, error, "read") from error
    if len(data) > limit:
        size = max(status.st_size, len(data))
        message = f"{size:,} bytes; at most {limit:,} are read"
        raise _bad_text(name, 0, 0, message, "Split the file, or name the right one.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = error.start - (before.rfind(b"\n") + 1) + 1
        message = f"byte 0x{data[error.start]:02x} is not UTF-8"
        raise _bad_text(name, line, column, message, "Save the file as UTF-8.") from error


def _bad_text(name: str, line: int, column: int, message: str, remedy: str) -> InputError:
    location = Location(name, line, column)
    finding = Finding("FILE001", Severity.ERROR, message, location, hint=remedy)
    return InputError(f"{location}: {message}", remedy, (finding,))


@contextmanager
def run_lock(state: Path, name: str) -> Iterator[None]:
    """Hold the workspace for one run; who comes second is told who is first.

    The lock is the kernel's (``flock``): it ends with the process, however that ends, so there is
    never a stale one. The file's content only tells people who holds it.

    Args:
        state: the folder for state, made when missing.
        name: what is being done, such as ``run dim_order``.

    Raises:
        ProgramMissing: another process holds it, or the file system knows no locks.
    """
    path = state / "run.lock"
    with held(path, _at_work) as handle:
        try:
            now = datetime.now(UTC).isoformat(timespec="seconds")
            _overwrite(handle, json.dumps({"name": name, "pid": os.getpid(), "started": now}))
        except OSError as error:
            raise refused(shown(path), error, "write") from error
        try:
            yield
        finally:
            handle.truncate(0)


def _at_work(content: str) -> ProgramMissing:
    return ProgramMissing(
        f"another run is at work here: {_holder(content)}",
        "Wait for it to end, or stop it; then run again.",
    )


@contextmanager
def held(path: Path, busy: Callable[[str], SpecmillError], mode: int = 0o666) -> Iterator[TextIO]:
    """Holds the kernel's lock on a file, which is made when missing; it ends with the process.

    Args:
        path: the file; its folder is made.
        busy: the error when another process holds it, from what it wrote there.
        mode: of a new file.

    Yields:
        The file, open for reading and writing.

    Raises:
        ProgramMissing: it cannot be opened, or the file system knows no locks.
        SpecmillError: ``busy``.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, mode)
    except OSError as error:
        raise refused(shown(path), error, "write") from error
    with os.fdopen(descriptor, "r+", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise busy(handle.read(4096)) from error
        except OSError as error:
            raise refused(shown(path), error, "lock") from error
        yield handle


def _overwrite(handle: TextIO, text: str) -> None:
    handle.seek(0)
    handle.truncate()
    handle.write(text + "\n")
    handle.flush()


def _holder(text: str) -> str:
    """Who holds the lock, as far as the file tells: its writer may not have got to it yet."""
    try:
        record = json.loads(text)
        return f"process {record['pid']} ({record['name']}, since {record['started']})"
    except (ValueError, KeyError, TypeError):
        return "a process that has just started"
