"""Thinking is sent as it came, until the service turns it down."""

from __future__ import annotations

from typing import Any

from agent.model.base import Message, Request
from agent.model.thinking import LEFT_OUT, Thinking, wanted

TEXT = {"type": "text", "text": "x"}
THOUGHT = {"type": "thinking", "thinking": "", "signature": "s"}
HI = {"role": "user", "content": [TEXT]}
BOUND = "messages.1.content.0: Invalid `signature` in `thinking` block. The block is bound to"


def model(*blocks: dict[str, Any]) -> Message:
    return {"role": "assistant", "content": list(blocks)}


def request(*messages: Message) -> Request:
    return Request("m", (), (), messages, 10)


def test_it_is_kept_as_it_came() -> None:
    asked = request(HI, model(THOUGHT, TEXT), HI)
    assert Thinking().sent(asked) == list(asked.messages)


def test_what_was_turned_down_stays_out_and_what_came_later_stays_in() -> None:
    thinking = Thinking()
    first = request(HI, model(THOUGHT, TEXT), HI, model(THOUGHT), HI)
    assert thinking.refused(first, BOUND)
    assert thinking.sent(first) == [HI, model(TEXT), HI, model(LEFT_OUT), HI]
    later = request(*first.messages, model(THOUGHT, TEXT), HI)
    assert thinking.sent(later) == [*thinking.sent(first), model(THOUGHT, TEXT), HI]
    assert first.messages[1] == model(THOUGHT, TEXT)


def test_it_is_left_out_once_and_not_for_other_faults() -> None:
    thinking = Thinking()
    asked = request(HI, model(THOUGHT, TEXT), HI)
    assert not thinking.refused(asked, "tools.0: bad schema")
    assert thinking.refused(asked, BOUND)
    assert not thinking.refused(asked, BOUND)


def test_nothing_to_leave_out() -> None:
    assert not Thinking().refused(request(HI, model(TEXT), HI), BOUND)


def test_only_models_that_think_unasked_are_told_how_to_show_it() -> None:
    assert wanted("claude-sonnet-5-5") == {"type": "adaptive", "display": "summarized"}
    assert wanted("us.anthropic.claude-opus-5-v1:0") is not None
    for name in ("claude-sonnet-4-5", "claude-haiku-4-5", "llama-5", "scripted"):
        assert wanted(name) is None
