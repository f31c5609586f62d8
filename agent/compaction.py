"""A conversation made shorter: the model sums up what was said; what must not change is kept.

Word for word stay: plans, decisions of the person, what the person asked last, and the end of the
conversation. The constitution stays because it is in the system prompt, which is not touched.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from agent.limits import Meter
from agent.model.base import (
    Block,
    Cancelled,
    ContextTooLong,
    Json,
    Message,
    Model,
    Request,
    Turn,
)
from agent.model.validity import BREAKPOINTS
from agent.talk import Conversation, text_of

IN_A_ROW = 3
"""Compactions without a turn in between that needed none; more would not help."""
FULL = 0.75
"""Share of the context from which on a conversation is compacted."""
_TAIL = 0.15
_BYTES_A_TOKEN = 4
_ROOM = 8_000

_ASK = """\
The conversation has become too long and goes on from your summary. Write down for yourself what
is needed to go on: what the person wants, what was done and in which files, what was found out
(names, numbers, errors, as they were), what is left to do and what comes next. Plans and decisions
are kept beside it, so do not repeat them. Call no tool. Write only the summary."""
_HEAD = "What was said before was summed up, to make room. Some of it is kept word for word."
_KEPT = re.compile(r'<kept name="([^"]+)">\n(.*)\n</kept>', re.DOTALL)


@dataclass(frozen=True)
class Kept:
    """A text that is kept word for word.

    Args:
        name: ``decision``, ``request``, ``plan``, or ``plan of`` what.
        text: the words.
    """

    name: str
    text: str


@dataclass
class Compactor:
    """Makes conversations shorter, and stops when that does not help.

    Args:
        row: compactions since the last turn that needed none.
    """

    row: int = 0
    _needed: bool = field(default=False, init=False)

    def is_due(self, context: int, window: int) -> bool:
        """Whether a conversation of that size is to be made shorter, and it may help."""
        return context > FULL * window and self.row < IN_A_ROW

    def turn_ended(self) -> None:
        """A turn is over; if it went without a compaction, they count from zero again."""
        if not self._needed:
            self.row = 0
        self._needed = False

    def compact(
        self,
        talk: Conversation,
        model: Model,
        system: tuple[Block, ...],
        tools: tuple[Json, ...],
        cancel: threading.Event,
        *,
        meter: Meter,
        kept: Sequence[Kept] = (),
    ) -> Conversation:
        """A shorter conversation that goes on where the long one is.

        Args:
            talk: not changed; its calls are answered.
            model: sums up.
            system: as in the conversation, so that the cache serves it.
            tools: likewise.
            cancel: ends it.
            meter: counts what it takes.
            kept: what is kept beside what the conversation itself says, such as a request that
                is being worked on.

        Raises:
            BudgetSpent: it cannot be paid for.
            ContextTooLong: it was done three times in a row, or the end alone is too long.
            Cancelled: the person stopped it.
            SpecmillError: the model cannot be reached, or refuses.
        """
        if self.row >= IN_A_ROW:
            raise ContextTooLong(
                f"Made shorter {self.row} times in a row, the conversation is still too long.",
                "Begin a new session, and ask for less at once.",
            )
        self.row += 1
        self._needed = True
        messages = talk.to_json()
        start = _tail(messages, int(model.context_window * _TAIL * _BYTES_A_TOKEN))
        asked = _Asked(model, system, tools, cancel, meter)
        summary = asked.summary(messages[:start] or messages)
        texts = _unique([*kept_of(messages[:start]), *kept])
        head: list[Block] = [{"type": "text", "text": _HEAD}]
        head += [_block(text) for text in texts]
        head.append({"type": "text", "text": f"# Summary\n\n{summary}"})
        tail = messages[start:]
        first = {"role": "user", "content": [*head, *(tail[0]["content"] if tail else ())]}
        return Conversation([first, *tail[1:]])


def kept_of(messages: Sequence[Message]) -> list[Kept]:
    """What of a conversation is kept: earlier kept texts, plans, decisions."""
    found = [
        Kept(match[1], match[2])
        for block in (messages[0]["content"] if messages else ())
        if block["type"] == "text" and (match := _KEPT.fullmatch(block["text"]))
    ]
    found = [kept for kept in found if kept.name != "request"]
    calls: dict[str, Block] = {}
    for message in messages:
        for block in message["content"]:
            if block["type"] == "tool_use":
                calls[block["id"]] = block
            elif block["type"] == "tool_result" and not block.get("is_error"):
                found += _decided(calls.get(block["tool_use_id"]), block)
    return found


def _decided(call: Block | None, result: Block) -> list[Kept]:
    """What a call settled, if it is of those that settle something."""
    said = "\n".join(part["text"] for part in result["content"] if part["type"] == "text")
    match call:
        case {"name": "plan", "input": given}:
            return [Kept(f"plan of {_plain(given)}", said)]
        case {"name": "remember", "input": given}:
            return [Kept("decision", _plain(given))]
        case {"name": "ask_person", "input": given}:
            return [Kept("decision", f"{_plain(given)}\nThe person: {said}")]
    return []


def _plain(given: dict[str, Any]) -> str:
    parts = (v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for v in given.values())
    return "\n".join(parts)


def _unique(texts: Iterable[Kept]) -> list[Kept]:
    """Each text once; of the plans for one thing only the newest."""
    found = list(dict.fromkeys(texts))
    newest = {kept.name: kept for kept in found}
    return [kept for kept in found if not kept.name.startswith("plan") or kept is newest[kept.name]]


def _block(kept: Kept) -> Block:
    return {"type": "text", "text": f'<kept name="{kept.name}">\n{kept.text}\n</kept>'}


def _tail(messages: Sequence[Message], most: int) -> int:
    """Where the end begins that is kept as it is: with a request, and no longer than ``most``.

    A request that waits for its answer is always in it.
    """
    starts = [n for n, message in enumerate(messages) if _is_request(message)]
    last = len(messages)
    for start in reversed(starts):
        size = len(json.dumps(messages[start:], ensure_ascii=False))
        if start == 0 or (size > most and start != len(messages) - 1):
            break
        last = start
    return last


def _is_request(message: Message) -> bool:
    return message["role"] == "user" and not any(
        block["type"] == "tool_result" for block in message["content"]
    )


@dataclass(frozen=True)
class _Asked:
    """Who is asked for a summary, and with what."""

    model: Model
    system: tuple[Block, ...]
    tools: tuple[Json, ...]
    cancel: threading.Event
    meter: Meter

    def summary(self, messages: Sequence[Message]) -> str:
        """The summary; of what is even too long for that, the older part is left out."""
        rest = list(messages)
        while True:
            try:
                turn = self._turn(rest)
            except ContextTooLong:
                starts = [n for n, message in enumerate(rest) if n and _is_request(message)]
                if not starts:
                    raise
                rest = rest[starts[len(starts) // 2] :]
                continue
            text = text_of(turn.content)
            if not text:
                raise ContextTooLong(
                    "The conversation is too long, and the model gave no summary of it.",
                    "Begin a new session.",
                )
            return text

    def _turn(self, messages: Sequence[Message]) -> Turn:
        talk = Conversation(messages)
        talk.mend()
        talk.say(_ASK)
        marks = sum("cache_control" in block for block in (*self.tools, *self.system))
        sent = talk.cached(min(2, BREAKPOINTS - marks))
        request = Request(self.model.name, self.system, self.tools, sent, _ROOM)
        try:
            turn = self.model.turn(self.meter.affordable(request), lambda _: None, self.cancel)
        except Cancelled as stopped:
            self.meter.used(stopped.usage)
            raise
        self.meter.used(turn.usage)
        return turn
