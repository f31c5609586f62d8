"""Specs pasted from a web page: indentation lost, typographic dashes, quotes and blanks.

Where indentation is there it is trusted, and only characters are replaced. Where it is lost, the
keys say where they belong: each goes to the one open part of the form that knows it. A key that
none knows, or that two know, is an error; nothing is placed by guess.
"""

from __future__ import annotations

import re
import typing
import unicodedata
from dataclasses import dataclass, field
from typing import Any, NoReturn

from pydantic import BaseModel

from tools.errors import InputError
from tools.findings import Finding, Location, Severity
from tools.spec.explain import known_keys
from tools.spec.importers.base import DataForm, Restored, TextForm, data_forms, note
from tools.spec.suggest import did_you_mean

_BULLETS = "–—−‐‑‒―•‣·◦*"
_QUOTES = {"“": '"', "”": '"', "„": '"', "‟": '"', "‘": "'", "’": "'", "‚": "'"}
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff"))
_ITEM = re.compile(rf"(?P<mark>[-{re.escape(_BULLETS)}])(?:\s+|$)(?P<rest>.*)")
_INDENTED = re.compile(r"^ +\S", re.MULTILINE)
_ODD = re.compile(r"\t|^\s*\*\s", re.MULTILINE)
_PAIR = re.compile(r"(?P<key>[A-Za-z_][\w-]*)\s*:(?:\s+(?P<value>.*))?")


@dataclass(frozen=True)
class _Line:
    """A line without the typography: its own indentation, ``- `` or not, and what is left."""

    number: int
    indent: str
    dash: str
    text: str
    start: int
    changed: tuple[str, ...]

    @property
    def pair(self) -> tuple[str, str] | None:
        """Key and value, when that is what the line holds."""
        found = _PAIR.fullmatch(self.text)
        return (found["key"], found["value"] or "") if found else None


@dataclass
class _Open:
    """An open part of the form: a mapping (``model``) or a list (``items``)."""

    name: str
    depth: int
    model: type[BaseModel] | None = None
    items: tuple[Any, ...] = ()
    seen: set[str] = field(default_factory=set)


def restore(text: str, path: str) -> Restored | None:
    """The YAML that pasted text was, or None when the text is not pasted text of a known form.

    Args:
        text: the file's content.
        path: its name, for findings.

    Raises:
        InputError: it is pasted text, and its structure cannot be told without guessing.
    """
    if text.isascii() and _INDENTED.search(text) and not _ODD.search(text):
        return None  # nothing that a web page does to text was done to it
    lines = [_line(number, raw) for number, raw in enumerate(re.split(r"\r\n|\r|\n", text), 1)]
    content = [line for line in lines if _is_content(line)]
    form = _form_of(content)
    if form is None or len(content) < 2:
        return None
    changed = any(line.changed for line in content)
    if any(line.indent for line in content):
        return _replace_characters(lines, content, path) if changed else None
    roots = known_keys(form.model)
    if not changed and all(line.pair and line.pair[0] in roots for line in content):
        return None
    return _restore_structure(lines, form, path)


def _is_content(line: _Line) -> bool:
    return bool(line.dash or line.text) and not line.text.startswith(("#", "---"))


def _form_of(content: list[_Line]) -> DataForm | None:
    first = content[0].pair if content and not content[0].dash else None
    if first is None or first[1]:
        return None
    return next((f for f in data_forms() if f.pasted and first[0] in known_keys(f.model)), None)


def _line(number: int, raw: str) -> _Line:
    changed: list[str] = []
    plain = raw.translate(_INVISIBLE)
    blanks = [c for c in plain if unicodedata.category(c) == "Zs" and c != " "]
    if blanks or plain != raw:
        changed.append("blank")
    for blank in set(blanks):
        plain = plain.replace(blank, " ")
    indent = plain[: len(plain) - len(plain.lstrip(" \t"))]
    if "\t" in indent:
        changed.append("tab")
    text = plain.strip(" \t")
    item = _ITEM.fullmatch(text)
    dash = item["mark"] if item else ""
    if dash and dash != "-":
        changed.append(dash)
    rest = item["rest"] if item else text
    straight = _straighten(rest)
    if straight != rest:
        changed.append("quote")
    start = max(0, raw.find(rest[:1])) if rest else len(indent)
    return _Line(number, indent, "- " if dash else "", straight, start, tuple(changed))


def _straighten(text: str) -> str:
    """Curly quotes around a value, as straight ones; within a value they are left alone."""
    pair = _PAIR.fullmatch(text)
    value = pair["value"] if pair else text
    if value and len(value) > 1 and value[0] in _QUOTES and value[-1] in _QUOTES:
        straight = _QUOTES[value[0]] + value[1:-1] + _QUOTES[value[-1]]
        return text[: len(text) - len(value)] + straight
    return text


def _replace_characters(lines: list[_Line], content: list[_Line], path: str) -> Restored:
    """The same lines, typography replaced, indentation as it is."""
    if len({c for line in content for c in line.indent}) > 1:
        first = next(line for line in content if "\t" in line.indent)
        _refuse(path, first, "indented with tabs and with blanks: which is deeper is not said")
    shown = [line.indent.replace("\t", "  ") + line.dash + line.text for line in lines]
    return _result(lines, shown, path, "typographic characters were replaced")


def _restore_structure(lines: list[_Line], form: DataForm, path: str) -> Restored:
    stack = [_Open("the file", 0, form.model)]
    shown = []
    for line in lines:
        if not _is_content(line):
            shown.append(line.text)
        elif line.dash:
            shown.append(_place_item(stack, line, path))
        else:
            shown.append(_place_pair(stack, line, path))
    message = f"the indentation is lost; restored from what the keys of the {form.name} mean"
    return _result(lines, shown, path, message)


def _place_item(stack: list[_Open], line: _Line, path: str) -> str:
    """Place a list item in the one list that is open; open the mapping that it begins."""
    lists = [part for part in stack if part.items]
    if not lists:
        _refuse(path, line, "a list item, and no list is open here")
    _expect_one(lists, line, path, "list item")
    owner = lists[0]
    del stack[stack.index(owner) + 1 :]
    models = [m for m in owner.items if isinstance(m, type) and issubclass(m, BaseModel)]
    if line.pair and models:
        stack.append(_Open(f"an item of {owner.name}", owner.depth + 1, models[0]))
        return "  " * owner.depth + "- " + _place_pair(stack, line, path).lstrip()
    if line.pair or str not in _plain(owner.items):
        _refuse(path, line, f"{line.text!r} cannot be an item of {owner.name}")
    return "  " * owner.depth + "- " + line.text


def _place_pair(stack: list[_Open], line: _Line, path: str) -> str:
    """Place a key in the one open mapping that knows it; open what it begins."""
    if line.pair is None:
        _refuse(path, line, f"expected 'key: value', found {line.text!r}")
    key, value = line.pair
    candidates = [stack[-1]] if line.dash else stack
    know = [part for part in candidates if part.model and key in known_keys(part.model)]
    free = [part for part in know if key not in part.seen]
    if not free:
        _refuse_key(stack, know, key, line, path)
    _expect_one(free, line, path, f"key {key!r}")
    owner = free[0]
    owner.seen.add(key)
    del stack[stack.index(owner) + 1 :]
    if not value and owner.model:
        annotation = next(
            f.annotation for n, f in owner.model.model_fields.items() if key == (f.alias or n)
        )
        stack.extend(_opened(key, owner.depth + 1, annotation))
    return "  " * owner.depth + f"{key}: {value}".rstrip()


def _opened(name: str, depth: int, annotation: Any) -> list[_Open]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [_Open(name, depth, annotation)]
    if typing.get_origin(annotation) is list:
        return [_Open(name, depth, items=_members(typing.get_args(annotation)[0]))]
    return []


def _members(annotation: Any) -> tuple[Any, ...]:
    """The members of a union; Annotated is looked through."""
    if typing.get_origin(annotation) is typing.Annotated:
        return _members(typing.get_args(annotation)[0])
    arguments = typing.get_args(annotation)
    return tuple(m for a in arguments for m in _members(a)) if arguments else (annotation,)


def _plain(items: tuple[Any, ...]) -> set[Any]:
    return {item for item in items if item is str}


def _expect_one(parts: list[_Open], line: _Line, path: str, what: str) -> None:
    if len(parts) > 1:
        names = " or ".join(repr(part.name) for part in reversed(parts))
        _refuse(path, line, f"the indentation is lost, and this {what} may belong to {names}")


def _refuse_key(
    stack: list[_Open], know: list[_Open], key: str, line: _Line, path: str
) -> NoReturn:
    if know:
        _refuse(path, line, f"key {key!r} is given twice in {know[-1].name}")
    known = [k for part in stack if part.model for k in known_keys(part.model)]
    names = ", ".join(part.name for part in stack[1:] if part.model) or "the file"
    message = f"the indentation is lost, and no open part ({names}) has a key {key!r}"
    _refuse(path, line, message, did_you_mean(key, known))


def _refuse(path: str, line: _Line, message: str, hint: str = "") -> NoReturn:
    where = Location(path, line.number, line.start + 1)
    advice = hint or "indent the file as it was meant, with blanks"
    finding = Finding("SPEC-PASTED", Severity.ERROR, message, where, hint=advice)
    raise InputError(f"{where}: {message}", advice, (finding,))


def _result(lines: list[_Line], shown: list[str], path: str, message: str) -> Restored:
    shifts = []
    for line, text in zip(lines, shown, strict=True):
        content = text.lstrip()
        at = len(text) - len(content) + (2 if line.dash else 0)
        shifts.append(at - line.start)
    restored = "\n".join(shown).rstrip("\n") + "\n"
    first = next(line for line in lines if _is_content(line))
    notes = [note(message, Location(path, first.number), evidence=restored)]
    marks: dict[str, list[int]] = {}
    for line in lines:
        for mark in line.changed if _is_content(line) else ():
            marks.setdefault(mark, []).append(line.number)
    words = {"blank": "blanks that YAML does not take", "tab": "tabs", "quote": "curly quotes"}
    for mark, numbers in marks.items():
        name = words.get(mark) or f"list dashes written {mark} (U+{ord(mark):04X})"
        text = f"{name} were read as plain ones on {len(numbers)} lines"
        notes.append(note(text, Location(path, numbers[0])))
    return Restored(restored, tuple(shifts), tuple(notes))


FORMS = (TextForm("pasted", restore),)
