"""Three texts compared: what was generated, what a person made of it, what would be generated now.

Pure; line by line, after the diff3 way of finding conflicts: two edits are in conflict when they
touch the same or adjoining lines of the base.
"""

from __future__ import annotations

import difflib

_LINES = 20_000
"""Files longer than this are not compared line by line: that would take minutes."""


def unified(old: str, new: str, old_name: str, new_name: str) -> str:
    """A unified diff of two texts, line ends read as LF; empty when they are the same."""
    old_lines, new_lines = _lines(old), _lines(new)
    if max(len(old_lines), len(new_lines)) > _LINES:
        same = old_lines == new_lines
        return "" if same else f"--- {old_name}\n+++ {new_name}\n(too long to compare)\n"
    lines = difflib.unified_diff(old_lines, new_lines, old_name, new_name, lineterm="")
    return "".join(f"{line}\n" for line in lines)


def conflicts(base: str, yours: str, theirs: str) -> tuple[tuple[int, int], ...]:
    """Where both sides changed the base differently.

    Returns:
        Ranges of base lines, first and last, counted from 1; an insertion before line n of the
        base is the range (n, n).
    """
    texts = [_lines(t) for t in (base, yours, theirs)]
    if max(map(len, texts)) > _LINES:
        return ((1, len(texts[0])),)
    ours, others = (_changes(texts[0], t) for t in texts[1:])
    ranges = [
        (min(a[0], b[0]) + 1, max(a[1], b[1], min(a[0], b[0]) + 1))
        for a in ours
        for b in others
        if a[0] <= b[1] and b[0] <= a[1] and a != b
    ]
    return tuple(_joined(sorted(ranges)))


def three_way(
    base: str, yours: str, theirs: str, path: str
) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Both edits of the base as unified diffs with a line that says how they meet.

    Returns:
        The text for people, and the :func:`conflicts`.
    """
    parts = ["your edit (since it was generated):\n", _or_none(unified(base, yours, path, path))]
    parts += ["new generation (since then):\n", _or_none(unified(base, theirs, path, path))]
    places = conflicts(base, yours, theirs)
    if not places:
        parts.append("The two do not touch the same lines.\n")
    else:
        spans = ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in places)
        parts.append(f"Conflict: both change line {spans} of what was generated.\n")
    return "".join(parts), places


def _or_none(diff: str) -> str:
    return diff or "(no change)\n"


def _lines(text: str) -> list[str]:
    lines = text.replace("\r\n", "\n").split("\n")
    last = lines.pop()
    return [*lines, f"{last}\n\\ No newline at end of file"] if last else lines


def _changes(base: list[str], other: list[str]) -> list[tuple[int, int, tuple[str, ...]]]:
    """Changed base ranges (from 0, end exclusive) with what stands there instead."""
    matcher = difflib.SequenceMatcher(None, base, other, autojunk=False)
    return [
        (a, b, tuple(other[c:d])) for tag, a, b, c, d in matcher.get_opcodes() if tag != "equal"
    ]


def _joined(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Overlapping ranges made one."""
    result: list[tuple[int, int]] = []
    for first, last in ranges:
        if result and first <= result[-1][1]:
            result[-1] = (result[-1][0], max(last, result[-1][1]))
        else:
            result.append((first, last))
    return result
