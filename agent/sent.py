"""What a model was sent and answered, as text for people: each part once, in the order sent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from agent.model.base import Block, Message
from agent.model.recorded import Exchange, unmarked


def sent_text(exchanges: Sequence[Exchange]) -> Iterator[str]:
    """The lines to print.

    Args:
        exchanges: of one recording.
    """
    about, before, system, tools = "", list[Message](), "", ""
    for number, exchange in enumerate(exchanges, 1):
        request = exchange.request
        if exchange.about != about or number == 1:
            about, before = exchange.about, []
            yield f"=== {about or 'conversation'} ({request.model})"
        instructions = "\n\n".join(str(block["text"]) for block in request.system)
        if instructions != system:
            system = instructions
            yield f"--- system\n{system}"
        names = ", ".join(str(tool["name"]) for tool in request.tools)
        if names != tools:
            tools = names
            yield f"--- tools\n{tools}"
        messages = unmarked(request.messages)
        same = next(
            (n for n, (a, b) in enumerate(zip(before, messages, strict=False)) if a != b), None
        )
        start = min(len(before), len(messages)) if same is None else same
        for message in messages[start:]:
            yield from _message(number, message)
        before = messages
        if exchange.turn is not None:
            answer: Message = {"role": "assistant", "content": list(exchange.turn.content)}
            yield from _message(number, answer)
            before = [*messages, answer]
        else:
            yield f"--- {number} no answer: the process ended"


def _message(number: int, message: Message) -> Iterator[str]:
    who = "sent" if message["role"] == "user" else "answered"
    yield f"--- {number} {who}"
    for block in message["content"]:
        yield _block(block)


def _block(block: Block) -> str:
    match block["type"]:
        case "text":
            return str(block["text"])
        case "thinking":
            return f"(thinking) {block['thinking']}"
        case "tool_use":
            return f"(calls {block['name']}) {json.dumps(block['input'], ensure_ascii=False)}"
        case "tool_result":
            content = block["content"]
            texts = (
                [content] if isinstance(content, str) else [str(b.get("text", "")) for b in content]
            )
            mark = "failed" if block.get("is_error") else "result"
            return f"({mark}) " + "\n".join(texts)
        case kind:
            return f"({kind})"
