"""What was asked and answered comes back whole; a replay says where it was asked otherwise."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from agent.model.base import Request, Turn
from agent.model.recorded import Recorded
from agent.model.scripted import Scripted, call, say
from agent.recording import Recorder, read_recording
from agent.talk import Conversation
from tools.desk import ToolResult
from tools.errors import InputError

SYSTEM = ({"type": "text", "text": "Be exact.", "cache_control": {"type": "ephemeral"}},)
TOOLS = ({"name": "look", "description": "Looks.", "input_schema": {"type": "object"}},)


def request(talk: Conversation) -> Request:
    return Request("scripted", SYSTEM, TOOLS, talk.cached(), 1000)


def converse(model: Scripted | Recorder | Recorded, results: list[str]) -> list[Turn]:
    """A conversation in which each result is what the tool said."""
    talk = Conversation()
    talk.say("begin")
    turns = []
    for number in range(len(results) + 1):
        turns.append(model.turn(request(talk), lambda _: None, threading.Event()))
        talk.answer(turns[-1])
        if number < len(results):
            open_call = talk.open_calls()[0]
            talk.results([(open_call, ToolResult(results[number]))])
    return turns


def script() -> Scripted:
    return Scripted([call("look", at="a"), call("look", at="b"), say("done")])


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "run" / "recording.jsonl"
    inner = script()
    converse(Recorder(inner, path), ["took 0.31s", "two"])
    return path


def test_requests_come_back_byte_for_byte(tmp_path: Path) -> None:
    path = tmp_path / "recording.jsonl"
    inner = script()
    turns = converse(Recorder(inner, path), ["one", "two"])
    found = read_recording(path)
    assert [e.request.digest for e in found] == [r.digest for r in inner.requests]
    assert [e.turn for e in found] == turns


def test_nothing_is_stored_twice(recording: Path) -> None:
    text = recording.read_text()
    assert text.count("Be exact.") == text.count("took 0.31s") == text.count('"begin"') == 1
    assert oct(recording.stat().st_mode)[-3:] == "600"


def test_a_recording_goes_on_after_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "recording.jsonl"
    converse(Recorder(script(), path), ["one", "two"])
    whole = path.read_bytes()
    path.write_bytes(whole[: -len(whole.splitlines()[-1]) // 2 - 1])
    converse(Recorder(script(), path), ["one", "two"])
    found = read_recording(path)
    assert [e.turn is None for e in found] == [False, False, True, False, False, False]
    assert found[0].request.digest == found[3].request.digest


def test_a_replay_gives_the_same_without_a_difference(recording: Path) -> None:
    model = Recorded(read_recording(recording))
    turns = converse(model, ["took 2.5 s", "two"])
    assert [t.content for t in turns] == [
        e.turn.content for e in read_recording(recording) if e.turn
    ]
    assert (model.divergence, model.left) == (None, 0)


def test_the_first_difference_is_shown_as_a_short_diff(recording: Path) -> None:
    model = Recorded(read_recording(recording))
    converse(model, ["took 0.31s", "three"])
    assert model.divergence is not None
    assert (model.divergence.number, model.divergence.place) == (3, "message 5")
    assert '-      "text": "two",' in model.divergence.diff
    assert '+      "text": "three",' in model.divergence.diff


def test_another_prompt_is_a_difference(recording: Path) -> None:
    model = Recorded(read_recording(recording))
    talk = Conversation()
    talk.say("begin")
    asked = replace(request(talk), system=({"type": "text", "text": "Be quick."},))
    model.turn(asked, lambda _: None, threading.Event())
    assert model.divergence is not None
    assert model.divergence.place == "system"


def test_a_recording_that_is_too_short_says_so(recording: Path) -> None:
    model = Recorded(read_recording(recording)[:1])
    with pytest.raises(InputError, match="ends before request 2"):
        converse(model, ["one", "two"])


def test_known_secrets_are_nowhere_in_it(tmp_path: Path) -> None:
    path = tmp_path / "recording.jsonl"
    converse(Recorder(script(), path, ["not-shaped-like-one"]), ["it is not-shaped-like-one", "b"])
    assert "not-shaped-like-one" not in path.read_text()
    assert all(json.loads(line) for line in path.read_text().splitlines())
