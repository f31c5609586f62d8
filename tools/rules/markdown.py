"""Markdown as the constitution uses it: sections, prose and fenced blocks, with line numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_FENCE = re.compile(r"^ {0,3}(?P<fence>`{3,}|~{3,})\s*(?P<info>[^`]*)$")
_HEADING = re.compile(r"^(?P<marks>#{1,6})\s+(?P<title>.*?)\s*$")


@dataclass(frozen=True)
class Block:
    """A fenced block: the words of its info string, its text, the line of its opening fence."""

    info: tuple[str, ...]
    text: str
    line: int
    closed: bool

    @property
    def kind(self) -> str:
        """The first word of the info string, or an empty string."""
        return self.info[0] if self.info else ""


@dataclass(frozen=True)
class Section:
    """A heading of level 2, what follows it up to the next one, and its line."""

    title: str
    line: int
    prose: str
    blocks: tuple[Block, ...]


def sections(text: str) -> tuple[Section, ...]:
    """The level-2 sections of a document; what stands before the first is not part of any.

    Fences follow CommonMark: a block ends with a fence of the same character that is at least as
    long, so a block can show fences inside; an unterminated one runs to the end of the file and
    has ``closed`` False.
    """
    found: list[Section] = []
    title, line = "", 0
    prose: list[str] = []
    blocks: list[Block] = []
    for piece in _pieces(text):
        if isinstance(piece, Block):
            blocks.append(piece)
            continue
        number, content = piece
        heading = _HEADING.match(content)
        if heading and len(heading.group("marks")) == 2:
            if line:
                found.append(Section(title, line, "\n".join(prose).strip(), tuple(blocks)))
            title, line, prose, blocks = heading.group("title"), number, [], []
        else:
            prose.append(content)
    if line:
        found.append(Section(title, line, "\n".join(prose).strip(), tuple(blocks)))
    return tuple(found)


def blocks_before_sections(text: str) -> tuple[Block, ...]:
    """The fenced blocks that stand before the first level-2 heading."""
    found: list[Block] = []
    for piece in _pieces(text):
        if isinstance(piece, Block):
            found.append(piece)
        elif piece[1].startswith("## "):
            break
    return tuple(found)


def _pieces(text: str) -> Iterator[Block | tuple[int, str]]:
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        opening = _FENCE.match(lines[at])
        if not opening:
            yield at + 1, lines[at]
            at += 1
            continue
        end = _closing(lines, at + 1, opening.group("fence"))
        yield Block(
            info=tuple(opening.group("info").split()),
            text="\n".join(lines[at + 1 : end]) + "\n",
            line=at + 1,
            closed=end < len(lines),
        )
        at = end + 1


def _closing(lines: list[str], start: int, fence: str) -> int:
    """The index of the line that closes a fence, or the number of lines."""
    for at in range(start, len(lines)):
        stripped = lines[at].strip()
        if len(stripped) >= len(fence) and set(stripped) == {fence[0]}:
            return at
    return len(lines)
