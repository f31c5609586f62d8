"""Changes a part of a file."""

from __future__ import annotations

import difflib
import re

from tools.calls._files import TextFile, expect_seen, open_text, save_text, unified, writable
from tools.desk import Desk, ToolError, ToolResult

EFFECT = "write"

_AROUND = 2
_MOST = 20_000
"""Lines that are looked at for the nearest ones, and characters of each."""
_WIDEST = 300


def edit_file(desk: Desk, path: str, old: str, new: str, replace_all: bool = False) -> ToolResult:
    """Replace text in a file that you have read. The old text has to be exact and unique.

    Args:
        path: The file, relative to the work tree.
        old: The text to replace, exactly as in the file with its white space, without the line
            numbers that read_file adds. With enough lines around it to be unique.
        new: The text to put in its place.
        replace_all: Replace every occurrence, not just one.
    """
    name, file, after, places = _edited(desk, path, old, new, replace_all)
    save_text(desk, name, after, marked=file.marked)
    count = "1 place" if len(places) == 1 else f"{len(places)} places"
    first = file.plain.count("\n", 0, places[0]) + 1
    shown = _numbered(after.replace("\r\n", "\n").split("\n"), first, first + new.count("\n"))
    return ToolResult(f"changed {count} in {name}\n{shown}", changed=(name,))


def preview(desk: Desk, path: str, old: str, new: str, replace_all: bool = False) -> str:
    """The change as a unified diff."""
    name, file, after, _ = _edited(desk, path, old, new, replace_all)
    return unified(name, file.text, after)


def _edited(
    desk: Desk, path: str, old: str, new: str, replace_all: bool
) -> tuple[str, TextFile, str, list[int]]:
    """The path, the file, its text after the edit, and where the old text was found."""
    name = writable(desk, path)
    file = open_text(desk, name)
    expect_seen(desk, name, file.sha256)
    wanted, wish = old.replace("\r\n", "\n"), new.replace("\r\n", "\n")
    if not wanted:
        raise ToolError("old is empty: say which text to replace, or use write_file.")
    if wanted == wish:
        raise ToolError("old and new are the same; nothing would change.")
    places = [match.start() for match in re.finditer(re.escape(wanted), file.plain)]
    if not places:
        raise ToolError(f"{name} does not hold the old text.{_nearest(file.plain, wanted)}")
    if len(places) > 1 and not replace_all:
        at = ", ".join(str(file.plain.count("\n", 0, place) + 1) for place in places[:10])
        raise ToolError(
            f"{name} holds the old text {len(places)} times, on lines {at}: add lines around it "
            "to make it unique, or set replace_all."
        )
    return name, file, file.replaced(places, len(wanted), wish), places


def _nearest(text: str, wanted: str) -> str:
    """The lines that look most like the ones that were not found."""
    if re.match(r"\s*\d+\t", wanted):
        return " The line numbers that read_file adds are not part of the file."
    lines = text.split("\n")
    sought = next((line.strip()[:_WIDEST] for line in wanted.split("\n") if line.strip()), "")
    stripped = {line.strip()[:_WIDEST] for line in lines[:_MOST] if line.strip()}
    close = difflib.get_close_matches(sought, stripped, n=3, cutoff=0.5)
    if not close:
        return " No line looks like it: read_file the file again."
    why = " A line differs in white space only." if sought == close[0] else ""
    height = wanted.count("\n")
    found = [
        number for number, line in enumerate(lines, start=1) if line.strip()[:_WIDEST] == close[0]
    ]
    blocks = [_numbered(lines, number, number + height) for number in found[:3]]
    return "\n".join([f"{why} Nearest:", *blocks])


def _numbered(lines: list[str], first: int, last: int) -> str:
    start = max(first - _AROUND, 1)
    shown = lines[start - 1 : min(last + _AROUND, start + 60)]
    return "\n".join(f"{number:>6}\t{line}" for number, line in enumerate(shown, start=start))
