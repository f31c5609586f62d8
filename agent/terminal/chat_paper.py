"""What a chat prints: appended, never redrawn, wrapped at words; nothing in it steers a terminal.

Words of a model and output of tools come from elsewhere. Characters that move the cursor, or turn
the direction of the text around, are shown as a replacement character.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from agent.terminal.console import sign

_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_PARTS = re.compile(r"\n|[^\S\n]+|\S+")
_ROOM = 16
"""Columns that have to be left for a word that may go on to be printed before it is whole."""
_DIFF_STYLES = (("+++", "name"), ("---", "name"), ("+", "ok"), ("-", "bad"), ("@@", "note"))
_DIFF_LINES = 400


def clean(text: str) -> str:
    """Text that only shows itself."""
    return _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n")).expandtabs(4)


@dataclass
class Paper:
    """Prints on a console.

    Args:
        console: where to.
        most: the widest line.
    """

    console: Console
    most: int = 100
    _column: int = 0
    _gap: str = ""
    """Space that is printed with the word after it, if that is on the same line."""
    _held: str = ""
    _code: bool = False
    _line: str = field(default="", repr=False)
    """How the line began; of a long one, not more than is needed to know what it is."""

    @property
    def width(self) -> int:
        """Columns of a line, as wide as the terminal is now."""
        if not self.console.is_terminal:
            return self.console.width
        return max(20, min(shutil.get_terminal_size().columns, self.most))

    def text(self, piece: str) -> None:
        """Prints a piece of an answer as it arrives; words are not broken at the right margin."""
        for part in _PARTS.findall(clean(piece)):
            if part == "\n":
                self._release()
                self._newline()
            elif part.isspace():
                self._release()
                self._gap += part
            else:
                self._held += part
                end = self._column + len(self._gap) + cell_len(self._held)
                if self._code or end <= self.width - _ROOM:
                    self._release()

    def end(self) -> None:
        """Ends the line, if one is begun."""
        self._release()
        if self._column:
            self._newline()
        self._code = False

    def line(self, text: str = "", style: str = "", *, indent: int = 0) -> None:
        """Prints a paragraph on lines of its own, wrapped at words."""
        self.end()
        for paragraph in clean(text).split("\n"):
            lines = Text(paragraph, style=style).wrap(self.console, max(20, self.width - indent))
            for line in lines or [Text()]:
                line.rstrip()
                self._put(Text(" " * indent) + line, end="\n")

    def cut(self, text: Text) -> None:
        """Prints one line, cut where the line ends."""
        self.end()
        text.truncate(self.width, overflow="ellipsis")
        self._put(text, end="\n")

    def block(self, text: str, style: str = "") -> None:
        """Prints text as it is, line for line."""
        self.end()
        for line in clean(text).rstrip("\n").split("\n"):
            self._put(Text(line, style=style), end="\n")

    def diff(self, text: str, more: str) -> None:
        """Prints a unified diff; of a very long one the beginning.

        Args:
            text: the diff.
            more: how to see the rest.
        """
        self.end()
        lines = clean(text).rstrip("\n").split("\n")
        for line in lines[:_DIFF_LINES]:
            style = next((style for begin, style in _DIFF_STYLES if line.startswith(begin)), "")
            self._put(Text(line, style=style), end="\n")
        if len(lines) > _DIFF_LINES:
            self.line(f"[... {len(lines) - _DIFF_LINES} more lines; {more} ...]", "warning")

    def called(self, number: int, line: str, came_to: str, *, ok: bool) -> None:
        """Prints a call that has ended, in one line."""
        mark = Text(sign(self.console, ok=ok), style="ok" if ok else "bad")
        told = Text(f"{number:>4} ", style="faint") + mark + Text(f" {clean(line)}")
        self.cut(told + Text(f"  {clean(came_to)}", style="faint" if ok else "bad"))

    def calling(self, number: int, line: str) -> None:
        """Prints a call that begins, in one line."""
        self.cut(Text(f"{number:>4} ", style="faint") + Text(f"> {clean(line)}", style="name"))

    def _release(self) -> None:
        """Prints the word that is held; on the next line if it does not fit on this one."""
        word, self._held = self._held, ""
        if not word:
            return
        gap, self._gap = self._gap, ""
        fits = self._column + len(gap) + cell_len(word) <= self.width
        # Without a gap it is the rest of a word: the terminal breaks one that is too long.
        if gap and self._column and not fits and not self._code:
            self._newline(soft=True)
            gap = ""
        self._emit(gap + word)

    def _emit(self, text: str) -> None:
        size = cell_len(text)
        if len(self._line) < 3:
            self._line += text
        self._put(Text(text, style=self._style()), end="")
        self._column = (self._column + size) % max(self.width, 1) or (self.width if size else 0)

    def _style(self) -> str:
        if self._line.startswith("```"):
            return "faint"
        return "name" if self._line.startswith("#") and not self._code else ""

    def _newline(self, *, soft: bool = False) -> None:
        if not soft:
            if self._line.startswith("```"):
                self._code = not self._code
            self._line = ""
        self._put(Text(), end="\n")
        self._column = 0
        self._gap = ""

    def _put(self, text: Text, end: str) -> None:
        encoding = self.console.encoding
        if not encoding.lower().replace("-", "").startswith("utf"):
            plain = text.plain.encode(encoding, "replace").decode(encoding)
            text = Text(plain, style=text.style)
        self.console.print(text, end=end, soft_wrap=True)
        if not end:
            self.console.file.flush()
