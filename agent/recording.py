"""What a run asked of a model and was answered, on disk: one JSON object a line, appended.

A request is stored as what it adds to the one before: system and tools once, messages from the
first new one on. No key is in it; keys belong to the transport, and never to a request.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from agent.model.base import Delta, Json, Message, Model, Request, Turn
from agent.model.recorded import Exchange, unmarked
from agent.trace import read_trace
from tools.secrets import redact

FILE = "recording.jsonl"
"""The name of the recording in the folder of a run."""


class Recorder:
    """A model that writes down what another one is asked and answers; it is one itself.

    Args:
        inner: who answers.
        path: the file; what it holds already is continued.
        known: secrets by value, taken out should any text hold them.
    """

    def __init__(self, inner: Model, path: Path, known: Sequence[str] = ()) -> None:
        self.name = inner.name
        self.context_window = inner.context_window
        self.about = ""
        self._inner, self._path, self._known = inner, path, tuple(known)
        self._stored: set[str] = set()
        self._last: list[Message] = []
        self._number = 0
        for line in read_trace(path):
            if line.get("kind") == "part":
                self._stored.add(line["sha256"])
            self._number = max(self._number, line.get("number", 0))
        path.parent.mkdir(parents=True, exist_ok=True)
        _end_torn_line(path)

    def turn(self, request: Request, on: Callable[[Delta], None], cancel: threading.Event) -> Turn:
        """Asks, and keeps question and answer; see :meth:`agent.model.base.Model.turn`."""
        self._number += 1
        number = self._number
        bare = unmarked(request.messages)
        same = _common(self._last, bare)
        self._write(
            kind="request",
            number=number,
            about=self.about,
            model=request.model,
            max_tokens=request.max_tokens,
            system=self._part(list(request.system)),
            tools=self._part(list(request.tools)),
            same=same,
            messages=bare[same:],
            marks=_marks(request.messages),
        )
        self._last = bare
        turn = self._inner.turn(request, on, cancel)
        self._write(kind="answer", number=number, turn=turn.to_json())
        return turn

    def _part(self, blocks: list[Json]) -> str:
        """Stores a list of blocks once; returns the name by which requests speak of it."""
        text = json.dumps(blocks, ensure_ascii=False, sort_keys=True)
        sha256 = hashlib.sha256(text.encode("utf-8")).hexdigest()
        if sha256 not in self._stored:
            self._write(kind="part", sha256=sha256, blocks=blocks)
            self._stored.add(sha256)
        return sha256

    def _write(self, **record: object) -> None:
        """Appends a line and waits until it is on disk."""
        line = json.dumps(_without(self._known, record), ensure_ascii=False, separators=(",", ":"))
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(self._path, flags, 0o600)
        try:
            os.write(descriptor, line.encode("utf-8") + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read_recording(path: Path) -> tuple[Exchange, ...]:
    """The exchanges of a recording, whole requests again; a torn last line is left out."""
    return tuple(_exchanges(path))


def _exchanges(path: Path) -> Iterator[Exchange]:
    parts: dict[str, list[Json]] = {}
    last: list[Message] = []
    pending: tuple[int, Request, str] | None = None
    for line in read_trace(path):
        kind = line.get("kind")
        if kind == "part":
            parts[line["sha256"]] = line["blocks"]
        elif kind == "request":
            if pending is not None:
                yield Exchange(pending[1], None, pending[2])
            last = [*last[: line["same"]], *line["messages"]]
            request = Request(
                line["model"],
                tuple(parts[line["system"]]),
                tuple(parts[line["tools"]]),
                tuple(_marked(last, line["marks"])),
                line["max_tokens"],
            )
            pending = (line["number"], request, line["about"])
        elif kind == "answer" and pending is not None and pending[0] == line["number"]:
            yield Exchange(pending[1], Turn.from_json(line["turn"]), pending[2])
            pending = None
    if pending is not None:
        yield Exchange(pending[1], None, pending[2])


def _common(before: Sequence[Message], now: Sequence[Message]) -> int:
    """How many messages at the beginning are the same."""
    pairs = zip(before, now, strict=False)
    return next((n for n, (a, b) in enumerate(pairs) if a != b), min(len(before), len(now)))


def _marks(messages: Sequence[Message]) -> list[list[object]]:
    """The marks of the prompt cache: message, block, mark."""
    return [
        [m, b, block["cache_control"]]
        for m, message in enumerate(messages)
        for b, block in enumerate(message["content"])
        if "cache_control" in block
    ]


def _marked(messages: Sequence[Message], marks: Sequence[Sequence[int]]) -> list[Message]:
    found = [{**message, "content": list(message["content"])} for message in messages]
    for m, b, mark in marks:
        found[m]["content"][b] = {**found[m]["content"][b], "cache_control": mark}
    return found


def _without(known: Sequence[str], value: object) -> object:
    """The value with the known secrets taken out of its texts."""
    if not known:
        return value
    if isinstance(value, str):
        return redact(value, known) if any(secret in value for secret in known) else value
    if isinstance(value, dict):
        return {key: _without(known, item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without(known, item) for item in value]
    return value


def _end_torn_line(path: Path) -> None:
    """Ends a line that a crash cut off, so that the next one stands by itself."""
    if path.is_file() and path.read_bytes()[-1:] not in (b"", b"\n"):
        with path.open("ab") as file:
            file.write(b"\n")
