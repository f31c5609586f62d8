"""An answer put together from the events of its stream; pure."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from agent.model.base import Block, Delta, Json, Turn, Usage

BYTES_PER_TOKEN = 3
"""Fewer than there are, so that the price of an answer that broke off is not underrated."""
COUNTS = {
    "input_tokens": "input",
    "output_tokens": "output",
    "cache_read_input_tokens": "cache_read",
    "cache_creation_input_tokens": "cache_write",
}


class Garbled(ValueError):
    """The events do not make an answer."""


class Answer:
    """Takes events in order; ``turn`` is the whole once ``complete`` is true.

    Blocks keep what the service sent: thinking with its signature, unknown kinds as they began.
    """

    def __init__(self, model: str) -> None:
        self.complete = False
        self._model = model
        self._blocks: list[Block] = []
        self._pieces: list[list[str]] = []
        self._malformed: dict[str, str] = {}
        self._stop = ""
        self._detail = ""
        self._usage = Usage()
        self._received = 0

    @property
    def begun(self) -> bool:
        """Whether any part of an answer arrived."""
        return self._usage.total > 0 or bool(self._blocks)

    def used(self) -> Usage:
        """Tokens so far; those of an answer that broke off are estimated from its bytes."""
        if self.complete:
            return self._usage
        output = max(self._usage.output, -(-self._received // BYTES_PER_TOKEN))
        return replace(self._usage, output=output)

    def add(self, event: Json) -> Delta | None:
        """Takes an event; what of it is worth showing.

        Raises:
            Garbled: it doesn't fit what came before it.
        """
        try:
            return self._add(event)
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            raise Garbled(f"an event that cannot be read: {event.get('type')}") from error

    def turn(self) -> Turn:
        """The whole answer."""
        return Turn(
            tuple(self._blocks), self._stop, self._usage, self._model, self._malformed, self._detail
        )

    def _add(self, event: Json) -> Delta | None:
        match event["type"]:
            case "message_start":
                self._model = event["message"].get("model") or self._model
                self._count(event["message"].get("usage") or {})
            case "content_block_start":
                return self._start(event["index"], event["content_block"])
            case "content_block_delta":
                return self._delta(event["index"], event["delta"])
            case "content_block_stop":
                self._end(event["index"])
            case "message_delta":
                delta = event["delta"]
                self._stop = delta.get("stop_reason") or self._stop
                self._detail = (delta.get("stop_details") or {}).get("explanation") or self._detail
                self._count(event.get("usage") or {})
            case "message_stop":
                self._check()
                self.complete = True
        return None

    def _count(self, usage: Json) -> None:
        told = {ours: usage[name] for name, ours in COUNTS.items() if usage.get(name) is not None}
        self._usage = replace(self._usage, **told)

    def _start(self, index: int, block: Block) -> Delta | None:
        if index != len(self._blocks):
            raise Garbled(f"block {index} begins where block {len(self._blocks)} should")
        kept = {name: value for name, value in block.items() if value is not None}
        self._blocks.append(kept)
        self._pieces.append([])
        if kept["type"] != "tool_use":
            return None
        if not kept["id"] or not kept["name"]:
            raise Garbled("a call without an id or a name")
        if any(other.get("id") == kept["id"] for other in self._blocks[:-1]):
            raise Garbled(f"two calls with the id {kept['id']}")
        return Delta("tool", kept["name"])

    def _delta(self, index: int, delta: Json) -> Delta | None:
        block, pieces = self._blocks[index], self._pieces[index]
        match delta["type"]:
            case "text_delta":
                return self._piece(pieces, "text", delta["text"])
            case "thinking_delta":
                return self._piece(pieces, "thinking", delta["thinking"])
            case "input_json_delta":
                self._piece(pieces, "tool", delta["partial_json"])
            case "signature_delta":
                block["signature"] = delta["signature"]
            case "citations_delta":
                block.setdefault("citations", []).append(delta["citation"])
        return None

    def _piece(self, pieces: list[str], kind: Any, text: str) -> Delta:
        self._received += len(text.encode("utf-8", "surrogatepass"))
        pieces.append(text)
        return Delta(kind, text)

    def _end(self, index: int) -> None:
        block, text = self._blocks[index], "".join(self._pieces[index])
        self._pieces[index] = []
        match block["type"]:
            case "text" | "thinking" as kind:
                block[kind] = block.get(kind, "") + text
            case "tool_use" if text:
                block["input"], why = parsed(text)
                if why:
                    self._malformed[block["id"]] = why
            case "tool_use" if not isinstance(block.get("input"), dict):
                block["input"] = {}

    def _check(self) -> None:
        if not self._stop:
            raise Garbled("an answer without a stop reason")
        for index, pieces in enumerate(self._pieces):
            if pieces:
                self._end(index)


def parsed(text: str) -> tuple[Json, str]:
    """The input of a call, and why it is none; strict where ``json`` is lenient."""
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        return {}, f"The input is no valid JSON: {error}."
    if not isinstance(value, dict):
        return {}, f"The input is no JSON object: it is {type(value).__name__}."
    return value, ""


def _object(pairs: list[tuple[str, Any]]) -> Json:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name occurs twice in one object")
    return value


def _constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")
