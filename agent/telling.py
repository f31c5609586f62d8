"""What happens between a model and its tools, as events: JSON objects, one a step."""

from __future__ import annotations

from collections.abc import Callable

from agent.acting import Silent
from agent.model.base import Delta, Json, Request, Turn
from agent.talk import ToolCall, calls_of, text_of
from agent.toolbox import Decision
from tools.desk import ToolResult

Tell = Callable[[Json], None]
_SHOWN = 4_000


class Telling(Silent):
    """Tells what happens.

    Args:
        tell: is given each event.
    """

    def __init__(self, tell: Tell) -> None:
        self._tell = tell

    def delta(self, delta: Delta) -> None:
        """Only what makes earlier pieces void is worth an event; whole answers follow."""
        if delta.kind == "retry":
            self._tell({"event": "retry", "why": delta.text})

    def asked(self, request: Request) -> None:
        """A request; its answer tells more."""

    def answered(self, turn: Turn, money: float) -> None:
        """An answer."""
        self._tell(
            {
                "event": "answer",
                "text": text_of(turn.content),
                "calls": [{"id": c.id, "name": c.name, "input": c.input} for c in calls_of(turn)],
                "stop_reason": turn.stop_reason,
                "usage": turn.usage.to_json(),
                "money": round(money, 6),
            }
        )

    def calling(self, call: ToolCall) -> None:
        """A call."""
        self._tell({"event": "call", "id": call.id, "name": call.name, "about": about(call)})

    def called(self, call: ToolCall, result: ToolResult) -> None:
        """What a call came to."""
        self._tell(
            {
                "event": "result",
                "id": call.id,
                "name": call.name,
                "is_error": result.is_error,
                "text": result.text[:_SHOWN],
                "changed": list(result.changed),
            }
        )

    def decided(self, decision: Decision) -> None:
        """A call that does not run."""
        if decision.outcome in ("denied", "unanswered", "rejected"):
            self.refused(decision.call, decision.why)

    def refused(self, call: ToolCall, why: str) -> None:
        """A call that was refused, or taken back."""
        self._tell({"event": "refused", "name": call.name, "about": about(call), "why": why})


def about(call: ToolCall) -> str:
    """What a call is about, in one line: its path, its command, or the first of its values."""
    for key in ("path", "command", "sql", "pattern", "question"):
        if isinstance(call.input.get(key), str):
            return " ".join(str(call.input[key]).split())
    return next((" ".join(str(v).split()) for v in call.input.values()), "")
