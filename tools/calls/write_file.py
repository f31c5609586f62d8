"""Writes a whole file."""

from __future__ import annotations

from tools.calls._files import expect_seen, open_text, save_text, unified, writable
from tools.desk import Desk, ToolResult

EFFECT = "write"


def write_file(desk: Desk, path: str, content: str) -> ToolResult:
    """Write a text file: a new one, or the whole content of one that you have read.

    To change a part of a file, use edit_file. Missing folders are made.

    Args:
        path: The file, relative to the work tree.
        content: The whole text.
    """
    name, before, after, marked = _texts(desk, path, content)
    if before == after:
        return ToolResult(f"{name} holds that already")
    save_text(desk, name, after, marked=marked)
    what = "wrote" if before is None else "replaced"
    lines = after.count("\n") + (not after.endswith("\n") and after != "")
    return ToolResult(f"{what} {name}: {lines:,} lines", changed=(name,))


def preview(desk: Desk, path: str, content: str) -> str:
    """The change as a unified diff."""
    name, before, after, _ = _texts(desk, path, content)
    return unified(name, before or "", after)


def _texts(desk: Desk, path: str, content: str) -> tuple[str, str | None, str, bool]:
    """The path, the text before (None: a new file) and after, and whether it has a mark."""
    name = writable(desk, path)
    if not (desk.root / name).exists() and not (desk.root / name).is_symlink():
        return name, None, content, False
    file = open_text(desk, name)
    expect_seen(desk, name, file.sha256)
    after = file.with_line_ends(content) if file.line_end == "\r\n" else content
    return name, file.text, after, file.marked
