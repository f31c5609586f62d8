"""An answer from its events: every block kept, every malformed input seen."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.model.base import Delta, Turn, Usage
from agent.model.scripted import answer
from agent.model.stream import Answer, Garbled, parsed
from tests.messages_server import events_of

BLOCKS = st.one_of(
    st.builds(lambda t: {"type": "text", "text": t}, st.text()),
    st.builds(
        lambda t, s: {"type": "thinking", "thinking": t, "signature": s},
        st.text(),
        st.text(min_size=1),
    ),
    st.builds(lambda d: {"type": "redacted_thinking", "data": d}, st.text()),
    st.builds(lambda d: {"type": "kind_of_tomorrow", "payload": d}, st.text()),
    st.builds(
        lambda i: {"type": "tool_use", "name": "look", "input": i},
        st.dictionaries(st.text(), st.recursive(st.text() | st.integers(), st.lists)),
    ),
)


def through(events: Any, model: str = "m") -> tuple[Answer, list[Delta]]:
    made = Answer(model)
    deltas = [delta for _, event in events if (delta := made.add(event)) is not None]
    return made, deltas


@given(st.lists(BLOCKS, max_size=6), st.integers(1, 9), st.sampled_from(["end_turn", "odd"]))
def test_what_was_streamed_comes_out_whole(
    blocks: list[dict[str, Any]], chunk: int, stop: str
) -> None:
    numbered = [
        {**block, "id": f"t{n}"} if block["type"] == "tool_use" else block
        for n, block in enumerate(blocks)
    ]
    sent = Turn(tuple(numbered), stop, Usage(5, 7, 11, 13), "other", {}, "because")
    made, _ = through(events_of(sent, chunk))
    assert made.complete
    assert made.turn() == sent


def test_deltas_are_what_is_shown() -> None:
    blocks = (
        {"type": "thinking", "thinking": "hm", "signature": "s"},
        {"type": "text", "text": "look"},
        {"type": "tool_use", "id": "t", "name": "ls", "input": {"a": 1}},
    )
    _, deltas = through(events_of(answer(*blocks), 2))
    shown = [(d.kind, d.text) for d in deltas]
    assert shown == [("thinking", "hm"), ("text", "lo"), ("text", "ok"), ("tool", "ls")]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"a": 1', "no valid JSON"),
        ('{"path": "a.sq', "no valid JSON"),
        ("[1]", "it is list"),
        ('"x"', "it is str"),
        ("null", "it is NoneType"),
        ('{"a": 1, "a": 2}', "twice"),
        ('{"a": {"b": 1, "b": 1}}', "twice"),
        ('{"a": NaN}', "NaN"),
        ('{"a": -Infinity}', "Infinity"),
        ("[" * 100_000, "no valid JSON"),
    ],
)
def test_an_input_that_is_no_object_is_told_and_never_guessed(text: str, why: str) -> None:
    value, said = parsed(text)
    assert value == {}
    assert why in said


def test_a_malformed_input_belongs_to_its_call() -> None:
    block = {"type": "tool_use", "id": "t", "name": "ls", "input": {}, "_json": '{"a": "b'}
    made, _ = through(events_of(answer(block, stop="max_tokens"), 3))
    turn = made.turn()
    assert list(turn.malformed) == ["t"]
    assert turn.content[0]["input"] == {}


START = {"type": "content_block_start", "index": 0}
CALL = {"type": "tool_use", "id": "t", "name": "ls", "input": {}}


@pytest.mark.parametrize(
    "events",
    [
        [{"type": "content_block_start", "index": 1, "content_block": CALL}],
        [{**START, "content_block": {**CALL, "id": ""}}],
        [{**START, "content_block": {**CALL, "name": ""}}],
        [{**START, "content_block": CALL}, {**START, "index": 1, "content_block": CALL}],
        [{"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "x"}}],
        [{"type": "content_block_start"}],
        [{}],
        [{"type": "message_start", "message": None}],
        [{"type": "message_stop"}],
        [{**START, "content_block": CALL}, {"type": "content_block_delta", "index": 0}],
    ],
)
def test_events_that_make_no_sense(events: list[dict[str, Any]]) -> None:
    with pytest.raises(Garbled):
        through([("", event) for event in events])


def test_unknown_events_are_passed_over() -> None:
    made, deltas = through([("", {"type": "event_of_tomorrow", "x": 1}), ("", {"type": "ping"})])
    assert deltas == []
    assert not made.complete


def test_what_broke_off_is_not_cheaper_than_it_was() -> None:
    words = answer({"type": "text", "text": "x" * 300})
    events = list(events_of(Turn(words.content, "end_turn", Usage(50, 80), "m", {}), 30))
    broken, _ = through(events[:8])
    assert broken.used() == Usage(input=50, output=50)
    whole, _ = through(events)
    assert whole.used() == Usage(50, 80)


def test_late_counts_replace_early_ones() -> None:
    made = Answer("m")
    start = {"model": "x", "usage": {"input_tokens": 5, "output_tokens": 1}}
    made.add({"type": "message_start", "message": start})
    made.add({"type": "message_delta", "delta": {}, "usage": {"output_tokens": 9}})
    made.add(
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": {"input_tokens": None, "cache_read_input_tokens": 3},
        }
    )
    made.add({"type": "message_stop"})
    assert made.turn().usage == Usage(5, 9, 3, 0)
    assert made.turn().model == "x"
    assert json.loads(json.dumps(made.turn().to_json())) == made.turn().to_json()
