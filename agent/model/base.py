"""What the loop asks of a model, and what a model answers: plain data and one protocol.

Content blocks are JSON objects exactly as the Messages API has them (``text``, ``thinking``,
``redacted_thinking``, ``tool_use``, ``tool_result``); specmill adds no format of its own, so that a
conversation on disk is what was sent.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal, Protocol

from tools.errors import ProgramMissing, SpecmillError

Json = dict[str, Any]
Block = Json
"""A content block."""
Message = Json
"""``{"role": "user" | "assistant", "content": [Block, ...]}``."""


@dataclass(frozen=True)
class Request:
    """One turn that is asked for.

    Args:
        model: name of the model.
        system: text blocks, the stable ones first; some carry ``cache_control``.
        tools: definitions as the API takes them, in an order that never changes in a conversation.
        messages: roles alternate, the first and the last are the user's, and every ``tool_use``
            is answered in the message after it.
        max_tokens: of the answer.
    """

    model: str
    system: tuple[Block, ...]
    tools: tuple[Json, ...]
    messages: tuple[Message, ...]
    max_tokens: int

    def to_json(self) -> Json:
        """The body of the request, without what only the transport knows."""
        return {
            "model": self.model,
            "max_tokens": self.max_tokens,
            "system": list(self.system),
            "tools": list(self.tools),
            "messages": list(self.messages),
        }

    @property
    def digest(self) -> str:
        """SHA-256 of the canonical body: what a replay compares."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode("utf-8")).hexdigest()


@dataclass(frozen=True)
class Usage:
    """Tokens of a turn; ``input`` counts only what was neither read from nor written to a cache."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input + other.input,
            self.output + other.output,
            self.cache_read + other.cache_read,
            self.cache_write + other.cache_write,
        )

    @property
    def context(self) -> int:
        """Tokens that the model had before it: the size of the conversation."""
        return self.input + self.cache_read + self.cache_write

    @property
    def total(self) -> int:
        """All tokens."""
        return self.context + self.output

    def to_json(self) -> Json:
        """A JSON object; ``Usage(**data)`` reads it back."""
        return asdict(self)


@dataclass(frozen=True)
class Turn:
    """A whole answer.

    Args:
        content: blocks in order.
        stop_reason: as the API names it (``end_turn``, ``tool_use``, ``max_tokens``, ``refusal``,
            ``pause_turn``, ``model_context_window_exceeded``, ``stop_sequence``), or a name that
            this version does not know.
        usage: tokens.
        model: the name that answered.
        malformed: ids of ``tool_use`` blocks whose input was not a JSON object, with why; their
            ``input`` is ``{}``.
        detail: what the service adds to its stop reason, such as why it refused.
    """

    content: tuple[Block, ...]
    stop_reason: str
    usage: Usage
    model: str
    malformed: dict[str, str]
    detail: str = ""

    def to_json(self) -> Json:
        """A JSON object; ``from_json`` reads it back."""
        return {**asdict(self), "content": list(self.content)}

    @staticmethod
    def from_json(data: Json) -> Turn:
        """The inverse of ``to_json``."""
        usage = Usage(**data["usage"])
        return Turn(**{**data, "content": tuple(data["content"]), "usage": usage})


@dataclass(frozen=True)
class Delta:
    """A piece of an answer while it arrives.

    Args:
        kind: ``text`` and ``thinking`` carry text; ``tool`` carries the name of a call that
            begins; ``retry`` says why what came so far is void and the turn begins again.
        text: see ``kind``.
        usage: tokens of a void attempt, with ``retry``; they are paid for all the same.
    """

    kind: Literal["text", "thinking", "tool", "retry"]
    text: str
    usage: Usage = Usage()


class Model(Protocol):
    """Something that answers requests."""

    name: str
    context_window: int
    """Tokens."""

    def turn(self, request: Request, on: Callable[[Delta], None], cancel: threading.Event) -> Turn:
        """Answers one request, whole or not at all.

        Args:
            request: what is asked.
            on: is told what arrives, from the calling thread.
            cancel: once it is set the turn ends at once.

        Raises:
            Cancelled: ``cancel`` was set.
            ContextTooLong: the request does not fit.
            ModelUnreachable: the service failed for longer than retries last.
            NeedsModel: the service wants another key.
            SpecmillError: it refused the request; the message says why.
        """
        ...


class Cancelled(Exception):
    """A person stopped the turn; nothing of it counts but its price.

    Args:
        usage: tokens that were used until then.
    """

    def __init__(self, usage: Usage = Usage()) -> None:
        super().__init__("stopped by a person")
        self.usage = usage


class ContextTooLong(SpecmillError):
    """The conversation does not fit the model's context; compaction may help."""

    exit_code = 5


class ModelUnreachable(ProgramMissing):
    """The model's service cannot be reached, or keeps failing."""


class RequestRefused(SpecmillError):
    """The service calls the request itself wrong (a bug, or an endpoint that lacks something)."""

    exit_code = 6
