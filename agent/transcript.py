"""A conversation as markdown, for people: what was said, which tools ran, what they gave."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from agent.model.base import Block, Json, Message

_RESULT_LINES = 40


def to_markdown(messages: Sequence[Message], *, title: str) -> str:
    """The whole conversation as one markdown document.

    Args:
        messages: as the API has them.
        title: its heading.
    """
    parts = [f"# {title}"]
    speaker = ""
    for message in messages:
        for name, text in _said(message):
            if name and name != speaker:
                parts.append(f"## {name}")
                speaker = name
            parts.append(text)
    return "\n\n".join(parts) + "\n"


def _said(message: Message) -> Iterator[tuple[str, str]]:
    """Who said what; a result belongs to whoever called."""
    name = "Person" if message["role"] == "user" else "specmill"
    for block in message["content"]:
        match block["type"]:
            case "text":
                yield name, str(block["text"]).strip()
            case "tool_use":
                yield name, call_text(block["name"], block["input"])
            case "tool_result":
                yield "", _result(block)


def call_text(name: str, given: Json) -> str:
    """A call as markdown: the tool, then its input."""
    return f"**{name}**\n\n{fenced(json.dumps(given, ensure_ascii=False, indent=2), 'json')}"


def fenced(text: str, language: str = "") -> str:
    """A code block whose fence is longer than any in the text."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text.rstrip()}\n{fence}"


def result_text(block: Block) -> str:
    """The words of a ``tool_result``."""
    content = block.get("content", "")
    if isinstance(content, str):
        return content
    return "\n".join(part["text"] for part in content if part["type"] == "text")


def _result(block: Block) -> str:
    lines = result_text(block).splitlines()
    shown = lines[:_RESULT_LINES]
    if len(lines) > len(shown):
        shown.append(f"[... {len(lines) - len(shown)} more lines ...]")
    return ("Failed:\n\n" if block.get("is_error") else "") + fenced("\n".join(shown))
