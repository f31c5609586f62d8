"""A conversation is always one that the service takes."""

from __future__ import annotations

import pytest

from agent.model.base import Block, Turn, Usage
from agent.model.scripted import answer
from agent.model.validity import violations
from agent.talk import UNKNOWN, Conversation, ToolCall, calls_of, text_of
from tools.desk import ToolResult

ONE: Block = {"type": "tool_use", "id": "one", "name": "look", "input": {"a": 1}}
TWO: Block = {"type": "tool_use", "id": "two", "name": "look", "input": {}}


def text(words: str) -> Block:
    return {"type": "text", "text": words}


def called(*blocks: Block) -> Conversation:
    talk = Conversation()
    talk.say("go")
    talk.answer(answer(*blocks))
    return talk


def faults(talk: Conversation) -> tuple[str, ...]:
    return violations({"model": "m", "max_tokens": 1, "messages": list(talk.cached())})


def test_what_the_user_says_twice_is_one_message() -> None:
    talk = Conversation()
    talk.say("a", blocks=[text("file")])
    talk.say("b")
    assert talk.to_json() == [{"role": "user", "content": [text("file"), text("a"), text("b")]}]
    assert faults(talk) == ()


def test_what_was_sent_never_changes() -> None:
    talk = Conversation()
    talk.say("a")
    sent = talk.messages
    talk.say("b")
    assert sent == ({"role": "user", "content": [text("a")]},)


@pytest.mark.parametrize("words", ["", " \n"])
def test_nothing_cannot_be_said(words: str) -> None:
    with pytest.raises(ValueError, match="nothing"):
        Conversation().say(words)


def test_calls_stay_open_until_they_are_answered() -> None:
    talk = called(text("hm"), ONE, TWO)
    one, two = talk.open_calls()
    assert (one, two) == (ToolCall("one", "look", {"a": 1}), ToolCall("two", "look", {}))
    talk.results([(two, ToolResult("seen"))])
    assert talk.open_calls() == (one,)
    talk.results([(one, ToolResult("", is_error=True))], also=["and quickly"])
    assert talk.open_calls() == ()
    assert talk.to_json()[-1]["content"] == [
        {"type": "tool_result", "tool_use_id": "two", "content": [text("seen")]},
        {
            "type": "tool_result",
            "tool_use_id": "one",
            "content": [text("(no output)")],
            "is_error": True,
        },
        text("and quickly"),
    ]
    assert faults(talk) == ()


def test_a_killed_conversation_is_mended_where_it_was() -> None:
    talk = called(ONE, TWO)
    talk.results([(talk.open_calls()[0], ToolResult("seen"))])
    resumed = Conversation.from_json(talk.to_json())
    resumed.mend()
    first, second = resumed.to_json()[-1]["content"]
    assert first["content"] == [text("seen")]
    assert second["content"] == [text(UNKNOWN)]
    assert second["is_error"] is True
    assert faults(resumed) == ()


def test_text_never_comes_before_a_result() -> None:
    talk = called(ONE, TWO)
    with pytest.raises(ValueError, match="last result"):
        talk.results([(talk.open_calls()[0], ToolResult("seen"))], also=["wait"])
    with pytest.raises(ValueError, match="open"):
        talk.say("wait")


def test_a_result_needs_an_open_call() -> None:
    talk = called(ONE)
    with pytest.raises(ValueError, match="not open"):
        talk.results([(ToolCall("other", "look", {}), ToolResult("x"))])
    one = talk.open_calls()[0]
    with pytest.raises(ValueError, match="not open"):
        talk.results([(one, ToolResult("x")), (one, ToolResult("x"))])


def test_the_model_answers_only_in_its_turn() -> None:
    with pytest.raises(ValueError, match="turn"):
        Conversation().answer(answer(text("hi")))
    with pytest.raises(ValueError, match="turn"):
        called(ONE).answer(answer(text("hi")))


@pytest.mark.parametrize(
    "left_out", [text(" \n"), {"type": "thinking", "thinking": "hm", "signature": ""}]
)
def test_what_the_service_does_not_take_back_is_left_out(left_out: Block) -> None:
    talk = called(left_out)
    assert talk.waits
    assert called(left_out, ONE).to_json()[-1]["content"] == [ONE]


def test_thinking_is_kept_byte_for_byte() -> None:
    thought = {"type": "thinking", "thinking": "", "signature": "EqQBCg=="}
    hidden = {"type": "redacted_thinking", "data": "x=="}
    assert called(thought, hidden, ONE).to_json()[-1]["content"] == [thought, hidden, ONE]


def test_the_last_two_messages_of_the_user_are_marked() -> None:
    talk = called(ONE)
    talk.mend()
    talk.answer(answer(TWO))
    talk.results([(talk.open_calls()[0], ToolResult("x"))], also=["and"])
    marked = [[("cache_control" in b) for b in m["content"]] for m in talk.cached()]
    assert marked == [[False], [False], [True], [False], [False, True]]
    assert not any("cache_control" in b for m in talk.messages for b in m["content"])
    assert talk.cached(0) == talk.messages


def test_words_and_calls_of_an_answer() -> None:
    turn = Turn((text("a "), ONE, text("b ")), "tool_use", Usage(), "m", {})
    assert text_of(turn.content) == "a b"
    assert [call.id for call in calls_of(turn)] == ["one"]
