"""Text that others wrote, safe inside markdown: table cells, code spans, fences; pure.

Names and descriptions come from specs, and a spec may come from anywhere: whatever they hold, they
stay in their cell and are shown as they are, never as markup. Special characters are written as
numeric entities, which every markdown reader shows and none reads as syntax.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import pairwise

_PROSE = re.compile(
    r"[&<>|`*\[\]\\~$]|(?<![^\W_])_|_(?![^\W_])|^[#+=-]|^\d+(?=[.)](?:\s|$))|://|\bwww(?=\.)"
)
_CODE = re.compile(r"[^\w .,:;=()/+'\"%-]|_")
_BUCKETS = (1, 10, 60, 600, 3600)
_NAMES = ("under 1 s", "under 10 s", "under 1 min", "under 10 min", "under 1 h", "over 1 h")


def one_line(text: str) -> str:
    """Text as one line: white space runs as one blank, characters that deceive the eye replaced.

    Control characters, and those that turn the direction of text or have no width, become U+FFFD.
    """
    spaced = " ".join(text.split())
    return "".join("\ufffd" if unicodedata.category(c) in ("Cc", "Cf", "Cs") else c for c in spaced)


def prose(text: str) -> str:
    """Text for a paragraph, a list item or a cell, without any markup of its own."""
    return _PROSE.sub(_entities, one_line(text))


def code(text: str) -> str:
    """Text in the typewriter face; also right inside a table cell. Empty for empty text."""
    line = one_line(text)
    if not line:
        return ""
    if not re.search(r"[`|\\]", line):
        return f"`{line}`"
    # Inside backticks no entity is read, and markdown readers differ on \| there.
    return f"<code>{_CODE.sub(_entities, line)}</code>"


def codes(names: Iterable[str], otherwise: str = "") -> str:
    """Names as code, separated by commas."""
    return ", ".join(code(name) for name in names) or otherwise


def fenced(text: str, language: str = "text", *, most: int = 40) -> str:
    """A block of text as it is, in a fence that it cannot close; cut after ``most`` lines."""
    lines = [_visible(line) for line in text.strip("\n").splitlines()]
    if len(lines) > most:
        lines = [*lines[:most], f"... {len(lines) - most} more lines are in the trace of the run"]
    longest = max((len(run) for run in re.findall(r"`+", "\n".join(lines))), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}{language}", *lines, fence])


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A markdown table; cells are markdown already (``prose``, ``code``), a row has all cells.

    Raises:
        ValueError: a row with more or fewer cells than the head.
    """
    lines = [_row(head), _row(["---"] * len(head))]
    for cells in rows:
        if len(cells) != len(head):
            raise ValueError(f"a row of {len(cells)} cells in a table of {len(head)}")
        lines.append(_row(cells))
    return "\n".join(lines)


def count(number: int, noun: str) -> str:
    """``1 test``, ``2 tests``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def coarse(seconds: float, before: str = "") -> str:
    """A duration in steps of about ten, so that a page reads the same from run to run.

    Args:
        seconds: what was measured; the exact number belongs into the trace.
        before: what the page said last time. It is said again while the measure is at most half a
            step away from it, so that a duration on an edge does not flap.
    """
    if before in _NAMES:
        edges = (0.0, *_BUCKETS, float("inf"))
        low, high = list(pairwise(edges))[_NAMES.index(before)]
        if low / 2 <= seconds < high * 2:
            return before
    return _NAMES[sum(seconds >= edge for edge in _BUCKETS)]


def _row(cells: Sequence[str]) -> str:
    return "|".join(("", *(f" {cell} " if cell else " " for cell in cells), ""))


def _entities(found: re.Match[str]) -> str:
    first, rest = found.group()[0], found.group()[1:]
    return f"&#{ord(first)};{rest}"


def _visible(line: str) -> str:
    return "".join(
        "\ufffd" if c != "\t" and unicodedata.category(c) in ("Cc", "Cf", "Cs") else c for c in line
    )
