"""What a person reads of calls, costs and context: one line each; no terminal is needed for it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from agent.limits import Spent
from agent.model.base import Block, Json, Message
from agent.talk import Conversation, ToolCall, text_of
from tools.desk import ToolResult

_TELLING = ("path", "command", "pattern", "query", "sql", "question", "spec", "name", "message")
_SHORT = 160
_LAST = 1_200


@dataclass(frozen=True)
class Shown:
    """A call and what it came to.

    Args:
        number: of the call in the session, to ask for it by.
        call: the call.
        result: what the model read.
        is_error: whether it failed.
    """

    number: int
    call: ToolCall
    result: str
    is_error: bool


def call_line(call: ToolCall) -> str:
    """A call in one line: the tool, and what tells most of its input."""
    told = [str(call.input[key]) for key in _TELLING if call.input.get(key)]
    if not told and call.input:
        told = [json.dumps(call.input, ensure_ascii=False)]
    return _one_line(" ".join([call.name, *told[:2]]))


def result_line(result: ToolResult) -> str:
    """What a call came to, in one line: its only line, its error, or how long it is."""
    lines = [line for line in result.text.splitlines() if line.strip()]
    if result.is_error or len(lines) == 1:
        return _one_line(lines[0]) if lines else "failed"
    return f"{len(lines):,} lines" if lines else "no output"


def _one_line(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= _SHORT else f"{flat[: _SHORT - 3]}..."


def last_answer(talk: Conversation) -> str:
    """What the model said last, the end of it if it is long."""
    answers = (text_of(m["content"]) for m in reversed(talk.messages) if m["role"] == "assistant")
    text = next((text for text in answers if text), "")
    return text if len(text) <= _LAST else f"[...] {text[-_LAST:]}"


def status_line(model: str, mode: str, spent: Spent, window: int) -> str:
    """Model, mode, context used, tokens, money."""
    share = f"{spent.context / window:.0%} of {window // 1000}k" if window else "?"
    return f"{model} | {mode} | context {share} | {spent.usage.total:,} tokens | ${spent.money:.2f}"


def cost_text(spent: Spent) -> str:
    """What the session has used."""
    usage = spent.usage
    read = usage.context
    cached = f" ({usage.cache_read / read:.0%} from cache)" if read else ""
    return "\n".join(
        (
            f"turns    {spent.turns:>12,}",
            f"read     {read:>12,} tokens{cached}",
            f"written  {usage.output:>12,} tokens",
            f"money    {'$' + format(spent.money, '.4f'):>12}",
            f"time     {spent.seconds:>12.0f} s",
        )
    )


def context_text(
    system: Sequence[Block],
    tools: Sequence[Json],
    messages: Sequence[Message],
    context: int,
    of: int,
) -> str:
    """What fills the context, by kind; shares are of the bytes that are sent."""
    sizes = {"system prompt": _size(system), "tools": _size(tools)}
    for message in messages:
        for block in message["content"]:
            kind = _KINDS.get(block["type"], "other")
            if kind == "text":
                kind = "person" if message["role"] == "user" else "answers"
            sizes[kind] = sizes.get(kind, 0) + _size(block)
    whole = sum(sizes.values()) or 1
    lines = [f"{context:,} of {of:,} tokens in the last request ({context / of:.0%})"]
    lines += [f"  {size / whole:>4.0%}  {name}" for name, size in sizes.items()]
    return "\n".join(lines)


_KINDS = {
    "text": "text",
    "thinking": "thinking",
    "redacted_thinking": "thinking",
    "tool_use": "calls",
    "tool_result": "results of calls",
}


def _size(value: object) -> int:
    return len(json.dumps(value, ensure_ascii=False))
