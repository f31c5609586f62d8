"""How much memory a query may take in this process.

DuckDB's own limit counts what it keeps in tables, sorts and joins, not a list or a text that an
expression makes: one of them can take what a machine has, and the machine then ends a program of
its choice. So while a query runs the process has a limit, and what goes beyond fails there.
"""

from __future__ import annotations

import os
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

Config = dict[str, str | bool | int | float | list[str]]

CONFIG: Config = {"threads": 1, "memory_limit": "1GB", "temp_directory": ""}
"""How a database in memory is opened: what does not fit is not written to files but fails."""

_GIGABYTE = 1 << 30
_MOST = 4 * _GIGABYTE
_SHARE = 0.5  # of the machine
_CONTAINER = Path("/sys/fs/cgroup/memory.max")


def machine() -> int:
    """The bytes of memory that there are; in a container those that it may have."""
    found = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        return min(found, int(_CONTAINER.read_text(encoding="ascii")))
    except (OSError, ValueError):  # no container, or one without a limit
        return found


@cache
def room() -> int:
    """The bytes that queries may take beyond what the process has when they begin."""
    return int(min(_MOST, machine() * _SHARE))


def shown() -> str:
    """The same, for people."""
    return f"{room() / _GIGABYTE:.3g} GB"


class _Limit:
    """The limit of the process while any query runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = 0
        self._before = 0

    def begin(self) -> None:
        with self._lock:
            self._running += 1
            if self._running == 1:
                # What the process has already is its own: a program that runs long has much.
                self._before = _lowered(_taken() + room())

    def end(self) -> None:
        with self._lock:
            self._running -= 1
            if self._running == 0:
                _set(self._before)


_LIMIT = _Limit()


@contextmanager
def limited() -> Iterator[None]:
    """Has the limit hold until the end; several queries may run at once.

    It is taken back, as programs that are started have the limits of the one that starts them.
    """
    _LIMIT.begin()
    try:
        yield
    finally:
        _LIMIT.end()


def keep_within(share: float) -> None:
    """Holds this process to a share of the machine's memory, for good."""
    _lowered(int(machine() * share))


def _lowered(wanted: int) -> int:
    """Sets the limit, unless it is lower, and gives the one that was set."""
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    known = [n for n in (soft, hard) if n != resource.RLIM_INFINITY]
    _set(min([wanted, *known]))
    return soft


def _set(soft: int) -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (soft, resource.getrlimit(resource.RLIMIT_DATA)[1]))


def _taken() -> int:
    """The bytes of memory that this process has; 0 where that is not told."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
