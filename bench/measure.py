"""Measuring: wall-clock seconds of real processes, medians, tables."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


class Failed(Exception):
    """A command that was to be measured failed."""


@dataclass(frozen=True)
class Table:
    """A table of results; the first column is text, the others are numbers already in words."""

    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    def lines(self) -> Iterator[str]:
        """The table in markdown, aligned for terminals."""
        cells = [self.heads, *self.rows]
        widths = [max(len(row[n]) for row in cells) for n in range(len(self.heads))]
        yield f"## {self.title}"
        yield ""
        yield _line(self.heads, widths)
        yield (
            "|-"
            + "-|-".join("-" * width for width in widths[:1])
            + "-|"
            + "".join(f"{'-' * (width + 1)}:|" for width in widths[1:])
        )
        for row in self.rows:
            yield _line(row, widths)
        for note in self.notes:
            yield ""
            yield note


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = [
        cell.ljust(width) if n == 0 else cell.rjust(width)
        for n, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "| " + " | ".join((first, *rest)) + " |"


def environment(**more: str) -> dict[str, str]:
    """The environment of measured processes: ours, without settings of specmill or dbt."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SPECMILL_", "DBT_"))}
    return {**kept, "DO_NOT_TRACK": "1", "NO_COLOR": "1", **more}


def beside(name: str) -> str:
    """A program that is installed beside this Python.

    Raises:
        Failed: it isn't.
    """
    found = Path(sys.executable).with_name(name)
    if not found.exists():
        raise Failed(f"{name} is not installed beside {Path(sys.executable).name}")
    return str(found)


def seconds(
    argv: Sequence[str], *, cwd: Path = ROOT, env: Mapping[str, str] | None = None
) -> float:
    """How long a command takes, from start to exit.

    Raises:
        Failed: it ends with another code than 0.
    """
    started = time.perf_counter()
    done = subprocess.run(
        argv, cwd=cwd, env=env or environment(), capture_output=True, text=True, check=False
    )
    spent = time.perf_counter() - started
    if done.returncode:
        said = (done.stdout + done.stderr)[-2000:]
        raise Failed(f"{' '.join(argv)} ended with {done.returncode}:\n{said}")
    return spent


def alternating(calls: Mapping[str, Callable[[], float]], times: int) -> dict[str, list[float]]:
    """Measures several things in turn, so that a busy moment of the machine meets all of them."""
    found: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(times):
        for name, call in calls.items():
            found[name].append(call())
    return found


def median(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)


def spread(values: Sequence[float]) -> str:
    """Such as ``0.31-0.35``."""
    return f"{min(values):.2f}-{max(values):.2f}"
