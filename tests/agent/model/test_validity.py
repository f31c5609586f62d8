"""Every demand of the service can be seen broken."""

from __future__ import annotations

from typing import Any

import pytest

from agent.model.base import Block, Message
from agent.model.validity import conversation_of, violations


def text(words: str, **more: Any) -> Block:
    return {"type": "text", "text": words, **more}


def user(*blocks: Block) -> Message:
    return {"role": "user", "content": list(blocks)}


def model(*blocks: Block) -> Message:
    return {"role": "assistant", "content": list(blocks)}


def body(*messages: Message, **more: Any) -> dict[str, Any]:
    return {"model": "m", "max_tokens": 10, "messages": list(messages), **more}


CALL = {"type": "tool_use", "id": "t1", "name": "look", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "t1", "content": [text("x")]}
HI = user(text("hi"))
MARK = {"cache_control": {"type": "ephemeral"}}


def test_a_valid_conversation() -> None:
    assert violations(body(HI, model(text("a"), CALL), user(RESULT, text("more")))) == ()


@pytest.mark.parametrize(
    ("found", "wrong"),
    [
        ("max_tokens", {**body(HI), "max_tokens": 0}),
        ("model is not named", {**body(HI), "model": ""}),
        ("no message", body()),
        ("first message", body(model(text("a")), HI)),
        ("last message", body(HI, model(text("a")))),
        ("both of the user", body(HI, HI)),
        ("have no result", body(HI, model(CALL))),
        ("answers", body(HI, model(CALL), HI)),
        ("answers", body(user(RESULT))),
        ("after something else", body(HI, model(CALL), user(text("b"), RESULT))),
        ("two calls", body(HI, model(CALL, CALL), user(RESULT, RESULT))),
        ("calls a tool", body(user(CALL), model(text("a")), HI)),
        ("is empty", body(user())),
        ("text is empty", body(user(text(" ")))),
        ("signature", body(HI, model({"type": "thinking", "thinking": "x"}), HI)),
        ("not an object", body(HI, model({**CALL, "input": "x"}), user(RESULT))),
        ("breakpoints", body(user(*[text("a", **MARK)] * 5))),
        ("thinking block is", body(HI, model({"type": "thinking", "signature": "s", **MARK}), HI)),
        ("one name", body(HI, tools=[{"name": "a"}, {"name": "a"}])),
    ],
)
def test_each_demand(found: str, wrong: dict[str, Any]) -> None:
    assert any(found in fault for fault in violations(wrong)), violations(wrong)


def test_tools_and_system_stay_the_same() -> None:
    one = body(HI, tools=[{"name": "a", "x": 1, "y": 2}], system=[text("s")])
    two = body(HI, tools=[{"name": "a", "y": 2, "x": 1}], system=[text("other")])
    assert violations(one, one) == ()
    assert violations(two, one) == (
        "the tools changed within the conversation",
        "the system changed within the conversation",
    )


def test_a_conversation_is_known_by_how_it_begins() -> None:
    grown = body(user(text("hi", **MARK), text("more")), model(text("a")), HI)
    assert conversation_of(body(HI)) == conversation_of(grown)
    assert conversation_of(body(HI)) != conversation_of(body(user(text("ho"))))
    assert conversation_of(body()) == conversation_of({})
