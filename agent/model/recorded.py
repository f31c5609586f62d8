"""A model that gives the answers of a recording, in order, and says where it was asked otherwise.

No network is used. A request that differs from the recorded one is answered all the same: the
first difference is kept, and it is for the caller to say that the replay diverged.
"""

from __future__ import annotations

import difflib
import json
import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from agent.model.base import Cancelled, Delta, Json, Request, Turn
from tools.errors import InputError

_VOLATILE = re.compile(
    r"(?<![\w.])\d+(?:\.\d+)?\s?(?:ms|s|sec|seconds?)\b|\b\d\d:\d\d:\d\d(?:[.,]\d+)?"
)
_DIFF_LINES = 16
_WIDTH = 160


@dataclass(frozen=True)
class Exchange:
    """A request and its answer.

    Args:
        request: what was sent.
        turn: what came; ``None`` when the process ended before an answer.
        about: what the conversation was for, such as ``author fct_orders``.
    """

    request: Request
    turn: Turn | None
    about: str = ""


@dataclass(frozen=True)
class Divergence:
    """The first place where a replay was asked something else than the recorded run.

    Args:
        number: of the request, from 1.
        place: such as ``message 3`` or ``system``.
        diff: a short unified diff, recorded against asked.
    """

    number: int
    place: str
    diff: str

    def to_json(self) -> Json:
        """A JSON object."""
        return dict(self.__dict__)


class Recorded:
    """Answers from a recording.

    Args:
        exchanges: in the order in which they were made; those without an answer are left out.
        context_window: of the model that was recorded.
    """

    def __init__(self, exchanges: Sequence[Exchange], context_window: int = 200_000) -> None:
        self._left = [(e.request, e.turn) for e in exchanges if e.turn is not None]
        self.name = self._left[0][0].model if self._left else "recorded"
        self.context_window = context_window
        self.divergence: Divergence | None = None
        self._asked = 0

    @property
    def left(self) -> int:
        """How many recorded answers nobody asked for yet."""
        return len(self._left)

    def turn(self, request: Request, on: Callable[[Delta], None], cancel: threading.Event) -> Turn:
        """The next recorded answer; see :meth:`agent.model.base.Model.turn`.

        Raises:
            Cancelled: ``cancel`` was set.
            InputError: the recording has no more answers.
        """
        if cancel.is_set():
            raise Cancelled
        self._asked += 1
        if not self._left:
            raise InputError(
                f"the recording ends before request {self._asked}",
                "the code, the spec or the tools changed since; see where the replay diverged",
            )
        recorded, turn = self._left.pop(0)
        if self.divergence is None:
            self.divergence = divergence(self._asked, recorded, request)
        for block in turn.content:
            if block["type"] == "text":
                on(Delta("text", block["text"]))
            elif block["type"] == "tool_use":
                on(Delta("tool", block["name"]))
        return turn


def divergence(number: int, recorded: Request, asked: Request) -> Divergence | None:
    """Where two requests differ first; durations and times of day are no difference."""
    for place, before, now in _places(recorded, asked):
        old, new = _lines(before), _lines(now)
        if old != new:
            lines = difflib.unified_diff(old, new, "recorded", "asked", n=1, lineterm="")
            short = [line[:_WIDTH] for line in lines][: _DIFF_LINES + 1]
            return Divergence(number, place, "\n".join(short))
    return None


def _places(recorded: Request, asked: Request) -> list[tuple[str, Any, Any]]:
    found: list[tuple[str, Any, Any]] = [
        ("model", [recorded.model, recorded.max_tokens], [asked.model, asked.max_tokens]),
        ("system", recorded.system, asked.system),
        ("tools", recorded.tools, asked.tools),
    ]
    for n in range(max(len(recorded.messages), len(asked.messages))):
        before, now = (r.messages[n : n + 1] for r in (recorded, asked))
        found.append((f"message {n + 1}", unmarked(before), unmarked(now)))
    return found


def unmarked(messages: Sequence[Json]) -> list[Json]:
    """Messages without the marks of the prompt cache, which move from request to request."""
    return [
        {
            **message,
            "content": [
                {k: v for k, v in block.items() if k != "cache_control"}
                for block in message["content"]
            ],
        }
        for message in messages
    ]


def _lines(value: Any) -> list[str]:
    text = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True).replace("\\n", "\n")
    return _VOLATILE.sub("<time>", text).splitlines()
