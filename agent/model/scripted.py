"""A model that answers from a script: for tests of everything above it, without mocks.

It holds each request against what the service demands, and counts tokens as a prompt cache would.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import yaml  # type: ignore[import-untyped]

from agent.model.base import Block, Cancelled, Delta, Json, Request, Turn, Usage
from agent.model.cache import PromptCache
from agent.model.validity import conversation_of, violations

Step = Turn | Callable[[Request], Turn] | Exception
"""An answer, what makes one of the request, or what is raised instead."""


class InvalidRequest(AssertionError):
    """The service would refuse the request: a bug above the model."""


class Scripted:
    """Answers requests with the steps of a script, in order.

    Args:
        steps: see ``Step``.
        name: of the model.
        context_window: in tokens.
    """

    def __init__(
        self, steps: Sequence[Step], name: str = "scripted", context_window: int = 200_000
    ) -> None:
        self.name = name
        self.context_window = context_window
        self.requests: list[Request] = []
        self._steps = list(steps)
        self._cache = PromptCache()
        self._earlier: dict[str, Json] = {}

    @property
    def left(self) -> int:
        """Steps that were not asked for yet."""
        return len(self._steps)

    def turn(self, request: Request, on: Callable[[Delta], None], cancel: threading.Event) -> Turn:
        """The next step; see ``Model``.

        Raises:
            InvalidRequest: the request is wrong, or the script is at its end.
        """
        if cancel.is_set():
            raise Cancelled
        body = request.to_json()
        begins = conversation_of(body)
        if faults := violations(body, self._earlier.get(begins)):
            raise InvalidRequest("; ".join(faults))
        self._earlier[begins] = body
        self.requests.append(request)
        if not self._steps:
            raise InvalidRequest(f"the script has {len(self.requests) - 1} steps, and no more")
        step = self._steps.pop(0)
        if isinstance(step, Exception):
            raise step
        turn = step if isinstance(step, Turn) else step(request)
        turn = finished(turn, len(self.requests), request, self._cache)
        for block in turn.content:
            _tell(block, on)
            if cancel.is_set():
                raise Cancelled
        return turn


def say(text: str) -> Turn:
    """An answer in words, which ends the turn."""
    return answer({"type": "text", "text": text})


def call(tool: str, /, **arguments: object) -> Turn:
    """An answer that calls one tool."""
    return calls((tool, arguments))


def calls(*wanted: tuple[str, Json], text: str = "") -> Turn:
    """An answer that calls several tools at once, perhaps after a few words."""
    words = [{"type": "text", "text": text}] if text else []
    return answer(
        *words,
        *({"type": "tool_use", "id": "", "name": name, "input": given} for name, given in wanted),
    )


def answer(*content: Block, stop: str = "") -> Turn:
    """An answer of any blocks; the stop reason follows from them unless it is given."""
    calling = any(block["type"] == "tool_use" for block in content)
    reason = stop or ("tool_use" if calling else "end_turn")
    return Turn(tuple(content), reason, Usage(), "", {})


def finished(turn: Turn, number: int, request: Request, cache: PromptCache) -> Turn:
    """A scripted answer with what the service adds: ids, tokens, the model's name."""
    content = tuple(
        {**block, "id": f"toolu_{number:04}_{n}"} if block.get("id") == "" else block
        for n, block in enumerate(turn.content)
    )
    usage = turn.usage
    if not usage.total:
        usage = cache.usage(request.to_json(), json.dumps(content, ensure_ascii=False))
    return replace(turn, content=content, usage=usage, model=turn.model or request.model)


def from_file(path: Path) -> list[Turn]:
    """The steps of a script in YAML: a list of answers.

    Each has ``say``, ``calls`` (a list of ``tool: {arguments}``), or both; ``stop`` overrides the
    stop reason.
    """
    return [_step(entry) for entry in yaml.safe_load(path.read_text(encoding="utf-8"))]


def _step(entry: Json) -> Turn:
    wanted = [pair for one in entry.get("calls", []) for pair in one.items()]
    turn = calls(*((name, given or {}) for name, given in wanted), text=entry.get("say", ""))
    return replace(turn, stop_reason=entry["stop"]) if "stop" in entry else turn


def _tell(block: Block, on: Callable[[Delta], None]) -> None:
    if block["type"] == "text":
        on(Delta("text", block["text"]))
    elif block["type"] == "thinking":
        on(Delta("thinking", block["thinking"]))
    elif block["type"] == "tool_use":
        on(Delta("tool", block["name"]))
