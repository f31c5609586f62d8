"""The scripted model, and how pretended models count tokens."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from agent.model.base import Cancelled, Delta, Message, Request
from agent.model.cache import PromptCache
from agent.model.scripted import InvalidRequest, Scripted, answer, call, calls, from_file, say
from tools.errors import UsageError

MARK = {"cache_control": {"type": "ephemeral"}}


def text(words: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": words, **more}


def request(*messages: Message) -> Request:
    return Request("m", (), (), messages or ({"role": "user", "content": [text("hi")]},), 100)


def ask(model: Scripted, asked: Request, on: Any = lambda _: None) -> Any:
    return model.turn(asked, on, threading.Event())


def test_steps_are_answered_in_order() -> None:
    model = Scripted([say("one"), lambda r: say(r.model), UsageError("no")])
    assert ask(model, request()).content == (text("one"),)
    assert ask(model, request()).content == (text("m"),)
    with pytest.raises(UsageError):
        ask(model, request())
    assert (model.left, len(model.requests)) == (0, 3)


def test_calls_have_ids_of_their_own() -> None:
    model = Scripted([calls(("a", {}), ("b", {"name": 1}), text="hm"), call("a", name=2, tool=3)])
    first, second = ask(model, request()), ask(model, request())
    blocks = [b for t in (first, second) for b in t.content if b["type"] == "tool_use"]
    assert [b["id"] for b in blocks] == ["toolu_0001_1", "toolu_0001_2", "toolu_0002_0"]
    assert [b["input"] for b in blocks] == [{}, {"name": 1}, {"name": 2, "tool": 3}]
    assert (first.stop_reason, first.model) == ("tool_use", "m")


def test_what_is_shown_while_it_arrives() -> None:
    thought = {"type": "thinking", "thinking": "hm", "signature": "s"}
    deltas: list[Delta] = []
    ask(Scripted([answer(thought, text("a"), *call("ls").content)]), request(), deltas.append)
    assert deltas == [Delta("thinking", "hm"), Delta("text", "a"), Delta("tool", "ls")]


def test_a_wrong_request_is_a_fault() -> None:
    with pytest.raises(InvalidRequest, match="last message"):
        ask(Scripted([say("x")]), request({"role": "assistant", "content": [text("a")]}))
    with pytest.raises(InvalidRequest, match="0 steps"):
        ask(Scripted([]), request())


def test_changed_instructions_are_a_fault_only_within_a_conversation() -> None:
    model = Scripted([say("x")] * 3)
    ask(model, request())
    other = Request("m", (text("s"),), (), ({"role": "user", "content": [text("ho")]},), 1)
    ask(model, other)
    with pytest.raises(InvalidRequest, match="system changed"):
        ask(model, Request("m", (text("s"),), (), request().messages, 1))


def test_it_can_be_stopped() -> None:
    cancel = threading.Event()
    with pytest.raises(Cancelled):
        Scripted([say("x")]).turn(request(), lambda _: cancel.set(), cancel)
    model = Scripted([say("x")])
    with pytest.raises(Cancelled):
        model.turn(request(), lambda _: None, cancel)
    assert model.left == 1


def test_a_script_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "script.yaml"
    path.write_text(
        "- say: I look.\n  calls:\n  - ls: {path: a}\n  - pwd:\n- calls: [ls: {}]\n"
        "  stop: max_tokens\n- say: Done.\n"
    )
    one, two, three = from_file(path)
    assert one == calls(("ls", {"path": "a"}), ("pwd", {}), text="I look.")
    assert (two.content, two.stop_reason) == (call("ls").content, "max_tokens")
    assert three == say("Done.")


def test_what_was_written_is_read_the_next_time() -> None:
    cache = PromptCache()
    system = [text("x" * 400, **MARK)]
    hi = {"role": "user", "content": [text("y" * 400, **MARK)]}
    first = cache.usage({"system": system, "messages": [hi]}, "a" * 40)
    assert (first.cache_read, first.input, first.output) == (0, 0, 10)
    moved = {"role": "user", "content": [text("y" * 400)]}
    said = {"role": "assistant", "content": [text("b" * 40)]}
    body = {"system": system, "messages": [moved, said, {"role": "user", "content": [text("c")]}]}
    second = cache.usage(body, "")
    assert second.cache_read == cache.usage({"system": system, "messages": []}, "").cache_read
    assert second.input > 100
    grown = {"system": system, "messages": [hi, said, {"role": "user", "content": [text("c")]}]}
    third = cache.usage(grown, "")
    assert third.cache_read == first.cache_write
    assert third.cache_write == 0


def test_a_changed_prefix_is_not_read() -> None:
    cache = PromptCache()
    body = {"system": [text("x" * 40, **MARK)], "messages": []}
    cache.usage(body, "")
    changed = {"tools": [{"name": "a"}], **body}
    assert cache.usage(changed, "").cache_read == 0
    assert cache.usage(body, "").cache_read > 0
