"""What the Messages API demands of a request, as one pure function.

The loopback server of the tests and the scripted model hold every request against it, so that a
conversation which the real service would refuse is seen without the real service.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise

from agent.model.base import Block, Json, Message

BREAKPOINTS = 4
"""Blocks that may carry ``cache_control`` in one request."""


def violations(body: Json, earlier: Json | None = None) -> tuple[str, ...]:
    """What is wrong with a request.

    Args:
        body: the request as it is sent.
        earlier: the request before it in the same conversation, if there was one.

    Returns:
        One sentence for each fault; empty if the service would take it.
    """
    messages: list[Message] = body.get("messages", [])
    return (
        *_size(body),
        *_roles(messages),
        *_pairs(messages),
        *(fault for message in messages for fault in _blocks(message)),
        *_cache(body),
        *(_stable(body, earlier) if earlier is not None else ()),
    )


def _size(body: Json) -> Iterator[str]:
    if not isinstance(body.get("max_tokens"), int) or body["max_tokens"] < 1:
        yield "max_tokens is not set"
    if not body.get("model"):
        yield "the model is not named"
    names = [tool["name"] for tool in body.get("tools", [])]
    if len(set(names)) != len(names):
        yield "two tools have one name"


def _roles(messages: Sequence[Message]) -> Iterator[str]:
    roles = [message["role"] for message in messages]
    if not roles:
        yield "there is no message"
        return
    if roles[0] != "user":
        yield "the first message is not the user's"
    if roles[-1] != "user":
        yield "the last message is not the user's"
    for n, (one, two) in enumerate(pairwise(roles)):
        if one == two:
            yield f"messages {n} and {n + 1} are both of the {one}"


def _pairs(messages: Sequence[Message]) -> Iterator[str]:
    """Every call is answered in the next message, before anything else, and nothing else is."""
    called: list[str] = []
    for n, message in enumerate(messages):
        kinds = [block.get("type") for block in message["content"]]
        answered = [b["tool_use_id"] for b in message["content"] if b["type"] == "tool_result"]
        if sorted(answered) != sorted(called):
            yield f"message {n} answers {answered}, and the calls before it are {called}"
        if "tool_result" in kinds[len(answered) :]:
            yield f"message {n} has a result after something else"
        called = [b["id"] for b in message["content"] if b["type"] == "tool_use"]
        if called and message["role"] != "assistant":
            yield f"message {n} is the user's and calls a tool"
        if len(set(called)) != len(called):
            yield f"message {n} has two calls of one id"
    if called:
        yield f"the calls {called} have no result"


def _blocks(message: Message) -> Iterator[str]:
    if not message["content"]:
        yield f"a message of the {message['role']} is empty"
    for block in message["content"]:
        kind = block["type"]
        if kind == "text" and not block["text"].strip():
            yield "a text is empty"
        if kind == "thinking" and not block.get("signature"):
            yield "a thinking block has no signature"
        if kind == "tool_use" and not (block["name"] and isinstance(block["input"], dict)):
            yield f"the input of the call {block['id']} is not an object"


def _cache(body: Json) -> Iterator[str]:
    marked = breakpoints(body)
    if len(marked) > BREAKPOINTS:
        yield f"{len(marked)} cache breakpoints, and {BREAKPOINTS} are allowed"
    for block in marked:
        if block.get("type") in ("thinking", "redacted_thinking"):
            yield "a thinking block is a cache breakpoint"


def breakpoints(body: Json) -> list[Block]:
    """The blocks of a request that carry ``cache_control``, in order."""
    return [block for block in parts(body) if block.get("cache_control")]


def parts(body: Json) -> Iterator[Block]:
    """Everything that a prompt cache sees of a request, in its order: tools, system, messages."""
    yield from body.get("tools", [])
    yield from body.get("system", [])
    for message in body.get("messages", []):
        yield from message["content"]


def conversation_of(body: Json) -> str:
    """What tells conversations apart: how they begin."""
    messages: list[Message] = body.get("messages", [])
    first: list[Block] = messages[0]["content"][:1] if messages else []
    plain = [{k: v for k, v in block.items() if k != "cache_control"} for block in first]
    return json.dumps(plain, sort_keys=True)


def _stable(body: Json, earlier: Json) -> Iterator[str]:
    """A changed tool or instruction voids the cache of the whole conversation."""
    for name in ("tools", "system"):
        if json.dumps(body.get(name)) != json.dumps(earlier.get(name)):
            yield f"the {name} changed within the conversation"
