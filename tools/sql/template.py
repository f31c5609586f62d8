"""dbt's Jinja in SQL, taken out far enough for the rest to parse.

This is no Jinja engine: nothing is executed. Tags are replaced so that line numbers stay:

- ``{{ ref('x') }}``, ``{{ source('a', 'b') }}``, ``{{ this }}`` become identifiers that no table
  has (``jinja_ref__x``, ``jinja_source__a__b``, ``jinja_this``);
- ``{{ config(...) }}`` and comments vanish, any other ``{{ ... }}`` becomes ``jinja_value``, which
  parses as a column, a table or a part of a string alike;
- ``{% if %}`` keeps one branch: :func:`variants` gives the text with every first branch, and the
  text with every ``else`` branch, since one text with both rarely parses;
- the bodies of ``{% set x %}``, ``{% call %}`` vanish; those of ``{% for %}`` stay once; other
  statement tags vanish.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from tools.sql.parse import SqlError

Keep = Literal["first", "else"]

VALUE = "jinja_value"
"""What an expression tag other than a reference becomes."""

REF, SOURCE, THIS = "jinja_ref__", "jinja_source__", "jinja_this"

_OPEN = re.compile(r"\{[{%#]")
# A string in a tag may hold what ends one: config(post_hook="... {{ this }}"). Possessive, so that
# a tag without an end costs one pass.
_INSIDE = r"""(?:"(?:\\.|[^"\\])*+"|'(?:\\.|[^'\\])*+'|[^"'%}]|%(?!\})|\}(?!\}))*+"""
_REST = {
    "{{": re.compile(rf"{_INSIDE}\}}\}}", re.DOTALL),
    "{%": re.compile(rf"{_INSIDE}%\}}", re.DOTALL),
    "{#": re.compile(r"(?:[^#]|#(?!\}))*+#\}", re.DOTALL),
}
_REF = re.compile(
    r"^ref\(\s*(?:(['\"])[^'\"]+\1\s*,\s*)?(['\"])([^'\"]+)\2\s*(?:,[^)]*)?\)$", re.DOTALL
)
_SOURCE = re.compile(r"^source\(\s*(['\"])([^'\"]+)\1\s*,\s*(['\"])([^'\"]+)\3\s*\)$", re.DOTALL)
_WORD = re.compile(r"\w+")
_UNPLAIN = re.compile(r"\W")
_DROPPED_BLOCKS = {"set", "call"}
_KEPT_BLOCKS = {"for", "macro", "snapshot", "materialization", "test", "raw", "filter", "block"}


@dataclass(frozen=True)
class Tag:
    """A Jinja tag: ``{{ inner }}`` or ``{% inner %}``, trimmed, with its line from 1.

    ``start`` and ``end`` are its place in the text.
    """

    kind: Literal["expression", "statement", "comment"]
    inner: str
    line: int
    start: int
    end: int


_KINDS: Final[Mapping[str, Literal["expression", "statement", "comment"]]] = {
    "{{": "expression",
    "{%": "statement",
    "{#": "comment",
}


def _scan(text: str, *, strict: bool) -> Iterator[Tag]:
    """The tags in order; one without an end is an error, or where reading stops."""
    at, line = 0, 1
    while opening := _OPEN.search(text, at):
        line += text.count("\n", at, opening.start())
        rest = _REST[opening.group()].match(text, opening.end())
        if rest is None:
            if strict:
                raise SqlError(f"Jinja: {opening.group()} has no end", line)
            return
        inner = text[opening.end() : rest.end() - 2].strip().strip("-+").strip()
        yield Tag(_KINDS[opening.group()], inner, line, opening.start(), rest.end())
        line += text.count("\n", opening.start(), rest.end())
        at = rest.end()


def tags(text: str) -> tuple[Tag, ...]:
    """The Jinja tags of a text, in order, up to one that has no end."""
    return tuple(_scan(text, strict=False))


def refs(text: str) -> tuple[str, ...]:
    """The models that ``{{ ref(...) }}`` names, in order, each once."""
    found = (_REF.match(t.inner) for t in tags(text) if t.kind == "expression")
    return tuple(dict.fromkeys(m.group(3) for m in found if m))


def sources(text: str) -> tuple[tuple[str, str], ...]:
    """The (source, table) pairs that ``{{ source(...) }}`` names, in order, each once."""
    found = (_SOURCE.match(t.inner) for t in tags(text) if t.kind == "expression")
    return tuple(dict.fromkeys((m.group(2), m.group(4)) for m in found if m))


def _expression(inner: str) -> str:
    ref, source = _REF.match(inner), _SOURCE.match(inner)
    if ref:
        return REF + _UNPLAIN.sub("_", ref.group(3))
    if source:
        return SOURCE + _UNPLAIN.sub("_", f"{source.group(2)}__{source.group(4)}")
    if inner == "this":
        return THIS
    return "" if re.match(r"config\s*\(", inner) else VALUE


class _Blocks:
    """Which of the nested blocks keep their text."""

    def __init__(self, keep: Keep) -> None:
        self._keep = keep
        self._stack: list[tuple[str, bool]] = []

    def emitting(self) -> bool:
        return all(kept for _, kept in self._stack)

    def statement(self, inner: str) -> None:
        match = _WORD.match(inner)
        word = match.group() if match else ""
        if word.startswith("end"):
            self._close(word.removeprefix("end"))
        elif word == "if":
            self._stack.append(("if", self._keep == "first"))
        elif word in ("elif", "else"):
            self._branch(word)
        elif word in _DROPPED_BLOCKS and not (word == "set" and "=" in inner):
            self._stack.append((word, False))
        elif word in _KEPT_BLOCKS:
            self._stack.append((word, True))

    def _close(self, word: str) -> None:
        if not self._stack or self._stack[-1][0] != word:
            raise SqlError(f"Jinja: end{word} without {word}")
        self._stack.pop()

    def _branch(self, word: str) -> None:
        if self._stack and self._stack[-1][0] == "for":  # for ... else: the loop was empty
            self._stack[-1] = ("for", False)
        elif self._stack and self._stack[-1][0] == "if":
            self._stack[-1] = ("if", self._keep == "else" and word == "else")
        else:
            raise SqlError(f"Jinja: {word} without if")

    def finish(self) -> None:
        if self._stack:
            raise SqlError(f"Jinja: {self._stack[-1][0]} without end{self._stack[-1][0]}")


def plain(text: str, keep: Keep = "first") -> str:
    """The text with its Jinja taken out, as many lines as before.

    Args:
        text: SQL as dbt reads it.
        keep: which branch of an ``{% if %}`` stays.

    Raises:
        SqlError: blocks that do not nest, a tag that does not end.
    """
    out: list[str] = []
    blocks = _Blocks(keep)
    at = 0
    for tag in _scan(text, strict=True):
        between = text[at : tag.start]
        out.append(between if blocks.emitting() else "\n" * between.count("\n"))
        if tag.kind == "expression" and blocks.emitting():
            out.append(_expression(tag.inner))
        elif tag.kind == "statement":
            blocks.statement(tag.inner)
        out.append("\n" * text.count("\n", tag.start, tag.end))
        at = tag.end
    blocks.finish()
    return "".join(out) + text[at:]


def variants(text: str) -> tuple[str, ...]:
    """The texts that the branches give: one without branches, else the first and the else form."""
    first = plain(text, "first")
    other = plain(text, "else")
    return (first,) if first == other else (first, other)


def has_loop(text: str) -> bool:
    """Whether a ``{% for %}`` is in it: then some branch may only make sense repeated."""
    return any(t.kind == "statement" and t.inner.startswith("for ") for t in tags(text))
