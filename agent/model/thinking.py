"""Thinking of earlier answers: kept byte for byte, and left out where the service won't have it.

Newer models check that the thinking they are sent back is their own and that nothing before it has
changed. A conversation that was compacted, that goes on with another model or under another account
fails that check for good. Then the thinking up to there stays out of what is sent, on this and all
later requests; what the conversation holds is not touched.
"""

from __future__ import annotations

import re

from agent.model.base import Message, Request
from agent.model.validity import conversation_of

ADAPTIVE = re.compile(r"(fable|mythos|opus|sonnet|haiku)-5\b")
"""Models that think of their own accord; what they say between calls arrives as thinking."""
SUMMARIZED = {"type": "adaptive", "display": "summarized"}
KINDS = ("thinking", "redacted_thinking")
REFUSED = re.compile(r"thinking\W+block|redacted_thinking|signature", re.IGNORECASE)
LEFT_OUT = {"type": "text", "text": "(thought)"}


class Thinking:
    """Remembers, for each conversation, up to where its thinking is left out."""

    def __init__(self) -> None:
        self._until: dict[str, int] = {}

    def sent(self, request: Request) -> list[Message]:
        """The messages of a request, as they can be sent."""
        until = self._until.get(conversation_of(request.to_json()), 0)
        messages = list(request.messages)
        return [without_thinking(message) for message in messages[:until]] + messages[until:]

    def refused(self, request: Request, why: str) -> bool:
        """Notes that the service turned thinking down; whether it is worth sending again."""
        if not REFUSED.search(why):
            return False
        begins, size = conversation_of(request.to_json()), len(request.messages)
        held = any(
            block["type"] in KINDS
            for message in request.messages[self._until.get(begins, 0) :]
            for block in message["content"]
        )
        if held:
            self._until[begins] = size
        return held


def without_thinking(message: Message) -> Message:
    """A message less its thinking; never empty."""
    content = [block for block in message["content"] if block["type"] not in KINDS]
    if len(content) == len(message["content"]):
        return message
    return {**message, "content": content or [LEFT_OUT]}


def wanted(model: str) -> dict[str, str] | None:
    """What a request says about thinking; ``None`` where the model is not known to take it."""
    return dict(SUMMARIZED) if ADAPTIVE.search(model) else None
