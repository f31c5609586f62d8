"""The two consoles: answers on stdout, progress and errors on stderr; 80 columns when not a tty."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import IO

from rich.console import Console
from rich.text import Text
from rich.theme import Theme

WIDTH = 80
_MOST_WIDTH = 100

THEME = Theme(
    {
        "ok": "green",
        "bad": "bold red",
        "error": "bold red",
        "question": "magenta",
        "warning": "yellow",
        "note": "cyan",
        "faint": "dim",
        "name": "bold",
        "path": "cyan",
        "command": "bold cyan",
    }
)


def make_console(
    *, stderr: bool = False, color: bool = True, file: IO[str] | None = None
) -> Console:
    """A console that never wraps wider than a page and is plain when nobody looks.

    Args:
        stderr: write to stderr instead of stdout.
        color: ``False`` leaves colour out even on a terminal.
        file: write here instead; for tests and pictures.
    """
    console = Console(
        stderr=stderr,
        file=file,
        theme=THEME,
        highlight=False,
        emoji=False,
        markup=False,
        soft_wrap=False,
        no_color=not color or None,
        legacy_windows=False,
    )
    if not console.is_terminal:
        console.width = WIDTH if "COLUMNS" not in os.environ else console.width
    elif console.width > _MOST_WIDTH:
        console.width = _MOST_WIDTH
    return console


@dataclass(frozen=True)
class Terminal:
    """What a command prints with; the consoles are made when first used.

    Args:
        color: whether colour may be used.
        quiet: whether progress is left out (``--json``).
    """

    color: bool = True
    quiet: bool = False

    @cached_property
    def out(self) -> Console:
        """The console on stdout."""
        return make_console(color=self.color)

    @cached_property
    def err(self) -> Console:
        """The console on stderr."""
        return make_console(stderr=True, color=self.color)


def print_indented(console: Console, text: Text, indent: int) -> None:
    """Prints a paragraph with every line indented, without the blanks that rich pads with."""
    for line in text.wrap(console, max(20, console.width - indent)):
        line.rstrip()
        console.print(Text(" " * indent) + line, soft_wrap=True)


def print_columns(
    console: Console, rows: Sequence[Sequence[Text | str]], *, indent: int = 0, gap: int = 2
) -> None:
    """Prints rows as columns; the last one is cut where the line ends."""
    cells = [[Text(c) if isinstance(c, str) else c for c in row] for row in rows]
    columns = max((len(row) for row in cells), default=0)
    widths = [max((r[i].cell_len for r in cells if i < len(r)), default=0) for i in range(columns)]
    for row in cells:
        line = Text(" " * indent)
        for number, cell in enumerate(row):
            space = widths[number] - cell.cell_len
            right = cell.justify == "right"
            line += (Text(" " * space) + cell) if right else cell + Text(" " * space)
            line.append(" " * gap)
        line.rstrip()
        line.truncate(console.width, overflow="ellipsis")
        console.print(line, soft_wrap=True)


def sign(console: Console, *, ok: bool) -> str:
    """A check mark or a cross, in letters where the encoding has no such signs."""
    if console.encoding.lower().replace("-", "").startswith("utf"):
        return "✓" if ok else "✗"
    return "ok" if ok else "x"
