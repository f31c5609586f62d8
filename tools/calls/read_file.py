"""Reads a text file."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tools.calls._files import open_text, relative
from tools.desk import Desk, ToolError

EFFECT = "read"

_WIDEST = 2_000
_ROOM = 60_000
"""Characters of one answer."""


def read_file(
    desk: Desk,
    path: str,
    offset: Annotated[int, Field(ge=1)] = 1,
    limit: Annotated[int, Field(ge=1, le=2000)] = 400,
) -> str:
    """Read a text file. Each line comes with its number and a tab, which are not part of the file.

    A file has to be read before edit_file or write_file may change it. Long files are read in
    parts; search finds the part that matters.

    Args:
        path: The file, relative to the work tree.
        offset: The first line to show; lines count from 1.
        limit: How many lines to show.
    """
    file = open_text(desk, path)
    name = relative(desk, path)
    lines = file.plain.split("\n")
    if lines[-1] == "":
        lines.pop()
    desk.seen[name] = file.sha256
    if not lines:
        return f"[{name} is empty]"
    if offset > len(lines):
        raise ToolError(f"{name} has {len(lines)} lines; there is no line {offset}.")
    shown: list[str] = []
    room = _ROOM
    for number, line in enumerate(lines[offset - 1 : offset - 1 + limit], start=offset):
        cut = line if len(line) <= _WIDEST else f"{line[:_WIDEST]} [... line cut ...]"
        room -= len(cut)
        if room < 0:
            break
        shown.append(f"{number:>6}\t{cut}")
    last = offset + len(shown) - 1
    notes = []
    if offset > 1 or last < len(lines):
        more = f"; go on with offset={last + 1}" if last < len(lines) else ""
        notes.append(f"[lines {offset} to {last} of {len(lines):,}{more}]")
    if file.line_end == "\r\n":
        notes.append("[line ends are CRLF; edits keep them]")
    return "\n".join([*shown, *notes])
