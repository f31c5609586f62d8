"""YAML and JSON text to plain data, with the line and column of every key and item.

The text is read as a stream of events and built without recursion, so that a hostile file costs
no more than its length: depth is bounded, and anchors, aliases and tags are refused before they
can expand. Scalars are resolved as YAML 1.2 does (``yes`` and dates stay text).
"""

from __future__ import annotations

import bisect
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, NoReturn

import yaml  # type: ignore[import-untyped]

from tools.errors import InputError
from tools.findings import Finding, Location, Severity

Path = tuple[str | int, ...]
"""Keys and indices from the root of a document to one of its parts."""

MAX_DEPTH = 40
"""Mappings and lists inside each other; a spec needs about ten."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml: twenty times faster
_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_BASED = re.compile(r"0(?:o[0-7]+|x[0-9a-fA-F]+)\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_SPECIAL = re.compile(r"[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z")
_WORDS: dict[str, bool | None] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_WORDS |= {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
# Control characters break generated files; direction overrides make code read as what it is not.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_JSON = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')
_MAX_DIGITS = 18  # what every database's bigint holds


class _Event(NamedTuple):
    kind: Literal["map", "list", "end", "plain", "quoted"]
    value: str
    line: int
    column: int


@dataclass
class Document:
    """What a file says: data, where each part stands, and what is wrong so far.

    Attributes:
        data: dicts, lists, str, int, float, bool, None.
        positions: path to (line, column), from 1: of keys in mappings, of values in lists.
        findings: duplicate keys and refused values; the data holds the first or None there.
        flagged: paths that ``findings`` speak of, so that no later check complains again.
    """

    path: str
    data: Any = None
    positions: dict[Path, tuple[int, int]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    flagged: set[Path] = field(default_factory=set)


@dataclass
class _Frame:
    """A mapping or list that is being filled; ``key`` is the key that waits for its value."""

    container: dict[str, Any] | list[Any]
    path: Path
    key: str | None = None
    duplicate: bool = False


def read_document(text: str, path: str, *, json_text: bool = False) -> Document:
    """Data and positions of a YAML or JSON text.

    Args:
        text: the file's content.
        path: its name, for findings.
        json_text: whether the text has to be strict JSON.

    Raises:
        InputError: the text is neither; the finding says where it ends making sense.
    """
    builder = _Builder(path)
    events = _json_events(text, path) if json_text else _yaml_events(text, path)
    for event in events:
        builder.take(event)
    return builder.document


def refuse(path: str, line: int, column: int, message: str, hint: str) -> NoReturn:
    """Raise the InputError of text that cannot be read at all."""
    finding = Finding(
        "SPEC-SYNTAX", Severity.ERROR, message, Location(path, line, column), hint=hint
    )
    raise InputError(f"{finding.location}: {message}", hint, (finding,))


class _Builder:
    """Events to a document, with a stack of its own instead of recursion."""

    def __init__(self, path: str) -> None:
        self.document = Document(path)
        self._stack: list[_Frame] = []

    def take(self, event: _Event) -> None:
        """Take the next event."""
        if event.kind == "end":
            self._stack.pop()
            return
        frame = self._stack[-1] if self._stack else None
        if frame is not None and isinstance(frame.container, dict) and frame.key is None:
            self._take_key(frame, event)
            return
        where = self._place(frame, event)
        if event.kind not in ("map", "list"):
            self._put(frame, self._scalar(event, where))
            return
        if len(self._stack) >= MAX_DEPTH:
            message = f"more than {MAX_DEPTH} mappings and lists inside each other"
            refuse(self.document.path, event.line, event.column, message, "flatten the file")
        container: dict[str, Any] | list[Any] = {} if event.kind == "map" else []
        self._put(frame, container)
        self._stack.append(_Frame(container, where))

    def _take_key(self, frame: _Frame, event: _Event) -> None:
        if event.kind in ("map", "list"):
            hint = "put text that begins with { or [ in quotes"
            refuse(self.document.path, event.line, event.column, "a key has to be text", hint)
        here, key = (event.line, event.column), event.value
        path = (*frame.path, key)
        frame.key, frame.duplicate = key, key in frame.container
        if frame.duplicate:
            first = self.document.positions[path]
            message = f"key {_short(key)} is given twice; the first is on line {first[0]}"
            self._find("SPEC-DUPLICATE", message, here, "keep one of them", None)
        else:
            self.document.positions[path] = here
            if _HIDDEN.search(key):
                self._hidden(key, here, path)

    def _place(self, frame: _Frame | None, event: _Event) -> Path:
        if frame is None:
            self.document.positions[()] = (event.line, event.column)
            return ()
        if frame.key is not None:
            # The value of a duplicate key is read, to go on, and dropped; its place is nowhere.
            return (*frame.path, frame.key, *(("(again)",) if frame.duplicate else ()))
        where = (*frame.path, len(frame.container))
        self.document.positions[where] = (event.line, event.column)
        return where

    def _put(self, frame: _Frame | None, value: Any) -> None:
        if frame is None:
            self.document.data = value
        elif isinstance(frame.container, list):
            frame.container.append(value)
        else:
            if not frame.duplicate and frame.key is not None:
                frame.container[frame.key] = value
            frame.key, frame.duplicate = None, False

    def _scalar(self, event: _Event, where: Path) -> Any:
        here = (event.line, event.column)
        if event.kind == "quoted":
            if _HIDDEN.search(event.value):
                self._hidden(event.value, here, where)
            return event.value
        value, problem = _resolve(event.value)
        if problem:
            hint = "put it in quotes if it is meant as text"
            self._find("SPEC-VALUE", problem, here, hint, where)
        elif isinstance(value, str) and _HIDDEN.search(value):
            self._hidden(value, here, where)
        return value

    def _hidden(self, value: str, here: tuple[int, int], where: Path) -> None:
        found = _HIDDEN.search(value)
        name = f"U+{ord(found.group()):04X}" if found else ""
        message = f"text holds the invisible control character {name}"
        self._find("SPEC-VALUE", message, here, "remove it", where)

    def _find(
        self, code: str, text: str, at: tuple[int, int], hint: str, where: Path | None
    ) -> None:
        place = Location(self.document.path, *at)
        self.document.findings.append(Finding(code, Severity.ERROR, text, place, hint=hint))
        if where is not None:
            self.document.flagged.add(where)


def _short(text: str, width: int = 60) -> str:
    """Text for a message: quoted, escaped, not too long."""
    return repr(text if len(text) <= width else text[: width - 3] + "...")


def _resolve(text: str) -> tuple[Any, str]:
    """The value of an unquoted scalar, and what is wrong with it."""
    if text in _WORDS:
        return _WORDS[text], ""
    if _INTEGER.match(text) or _BASED.match(text):
        if len(text.lstrip("+-0")) > _MAX_DIGITS:
            return None, f"a whole number of more than {_MAX_DIGITS} digits"
        return int(text, 0 if _BASED.match(text) else 10), ""
    if _FLOAT.match(text):
        number = float(text)
        return (number, "") if math.isfinite(number) else (None, f"{_short(text)} is too large")
    if _SPECIAL.match(text):
        return None, f"{text} is not a number that a database column can be compared with"
    return text, ""


def _yaml_events(text: str, path: str) -> Iterator[_Event]:
    documents = 0
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            line, column = event.start_mark.line + 1, event.start_mark.column + 1
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    message = "the file holds more than one YAML document"
                    refuse(path, line, column, message, "one spec a file: split it at ---")
            elif isinstance(event, yaml.NodeEvent):
                _refuse_tricks(event, path, line, column)
                yield _Event(_kind(event), getattr(event, "value", ""), line, column)
            elif isinstance(event, yaml.CollectionEndEvent):
                yield _Event("end", "", line, column)
    except yaml.MarkedYAMLError as error:
        _refuse_yaml(text, path, error)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        column = error.position - (text.rfind("\n", 0, error.position) + 1) + 1
        name = f"U+{ord(error.character):04X}" if isinstance(error.character, str) else "?"
        if isinstance(error.character, int):
            name = f"U+{error.character:04X}"
        message = f"the control character {name} does not belong in a text file"
        refuse(path, line, column, message, "remove it, or write it as an escape in quotes")


def _kind(event: Any) -> Literal["map", "list", "plain", "quoted"]:
    if isinstance(event, yaml.MappingStartEvent):
        return "map"
    if isinstance(event, yaml.SequenceStartEvent):
        return "list"
    return "plain" if event.implicit[0] and event.style in (None, "") else "quoted"


def _refuse_tricks(event: Any, path: str, line: int, column: int) -> None:
    """Anchors, aliases and tags: they make a small file mean a large or an active one."""
    if event.anchor is not None:
        mark = "*" if isinstance(event, yaml.AliasEvent) else "&"
        message = f"anchors and aliases ({mark}{event.anchor}) are not read in specs"
        hint = "write the part out, or put text that begins with & or * in quotes"
        refuse(path, line, column, message, hint)
    if getattr(event, "tag", None) is not None:
        message = f"the tag {_short(str(event.tag))} is not read in specs"
        refuse(path, line, column, message, "write a plain value, or put the text in quotes")


def _refuse_yaml(text: str, path: str, error: yaml.MarkedYAMLError) -> NoReturn:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    lines = text.splitlines()
    shown = lines[line - 1] if line <= len(lines) else ""
    hint = "check the indentation and the quotes around this line"
    if shown[: len(shown) - len(shown.lstrip())].count("\t"):
        hint = "indent with spaces: YAML does not take tabs"
    elif re.search(r":\s*[{@`%*&!]", shown):
        hint = "put an expression that begins with {, @, %, * or & in quotes"
    elif re.search(r":\s.*:\s", shown):
        hint = "put text that holds ': ' in quotes"
    problem = error.problem or "it does not parse"
    context = f" {error.context}" if error.context else ""
    refuse(path, line, column, f"not YAML: {problem}{context}", hint)


def _json_events(text: str, path: str) -> Iterator[_Event]:
    """The events of a JSON text; syntax is judged by the standard library first."""
    _judge_json(text, path)
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    for match in _JSON.finditer(text):
        word = match.group()
        row = bisect.bisect_right(starts, match.start())
        line, column = row, match.start() - starts[row - 1] + 1
        if word in ("{", "["):
            yield _Event("list" if word == "[" else "map", "", line, column)
        elif word in ("}", "]"):
            yield _Event("end", "", line, column)
        elif word.startswith('"'):
            yield _Event("quoted", json.loads(word, strict=False), line, column)
        elif word not in (",", ":"):
            yield _Event("plain", word, line, column)


def _judge_json(text: str, path: str) -> None:
    def keep(token: str) -> str:
        return token

    def constant(token: str) -> NoReturn:
        at = re.search(rf"(?<![\w\"]){re.escape(token)}", text)
        line = text.count("\n", 0, at.start()) + 1 if at else 1
        refuse(path, line, 0, f"{token} is not JSON", "write a number, null or text in quotes")

    try:
        json.loads(text, parse_int=keep, parse_float=keep, parse_constant=constant, strict=False)
    except json.JSONDecodeError as error:
        what = error.msg[:1].lower() + error.msg[1:]
        hint = "JSON takes double quotes, no comments and no comma before } or ]"
        refuse(path, error.lineno, error.colno, f"not JSON: {what}", hint)
    except RecursionError:
        message = f"more than {MAX_DEPTH} mappings and lists inside each other"
        refuse(path, 1, 1, message, "flatten the file")
