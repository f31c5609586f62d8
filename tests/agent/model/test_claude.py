"""The real SDK against a real server that misbehaves."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from agent.model.base import (
    Cancelled,
    ContextTooLong,
    Delta,
    Message,
    ModelUnreachable,
    Request,
    RequestRefused,
    Turn,
    Usage,
)
from agent.model.claude import Claude
from agent.model.retry import Retry
from agent.model.scripted import answer, call, say
from tests import messages_server as serve
from tests.agent.support import REPO
from tests.messages_server import KEY, MessagesServer, Step
from tools.errors import NeedsModel, ProgramMissing, SpecmillError

QUICK = Retry(attempts=4, first=0.001)
HI: Message = {"role": "user", "content": [{"type": "text", "text": "hi"}]}
LONG = say("a long answer that takes several deltas to arrive, and then some")


def request(*messages: Message, model: str = "claude-sonnet-5-5") -> Request:
    return Request(model, (), (), messages or (HI,), 100)


def model(server: MessagesServer, name: str = "claude-sonnet-5-5", retry: Retry = QUICK) -> Claude:
    return Claude("anthropic", name, api_key=KEY, base_url=server.url, retry=retry)


def asked(*steps: Step, retry: Retry = QUICK) -> tuple[Turn, list[Delta], MessagesServer]:
    deltas: list[Delta] = []
    with MessagesServer(steps) as server:
        turn = model(server, retry=retry).turn(request(), deltas.append, threading.Event())
    server.check()
    return turn, deltas, server


def test_a_whole_answer() -> None:
    thought = {"type": "thinking", "thinking": "first ünïcode", "signature": "EqQB/+=="}
    hidden = {"type": "redacted_thinking", "data": "abc=="}
    use = {"type": "tool_use", "id": "t1", "name": "look", "input": {"path": "ä.sql", "n": [1]}}
    sent = answer(thought, hidden, {"type": "text", "text": "I look."}, use)
    turn, deltas, server = asked(sent)
    assert turn.content == sent.content
    assert (turn.stop_reason, turn.malformed, turn.model) == ("tool_use", {}, "claude-sonnet-5-5")
    assert turn.usage.context > 0
    assert turn.usage.output > 0
    assert "".join(d.text for d in deltas if d.kind == "thinking") == "first ünïcode"
    assert "".join(d.text for d in deltas if d.kind == "text") == "I look."
    assert [d.text for d in deltas if d.kind == "tool"] == ["look"]
    (body,) = server.requests
    assert body["stream"] is True
    assert "tools" not in body
    assert body["thinking"] == {"type": "adaptive", "display": "summarized"}


FAILURES: dict[str, tuple[Callable[[], Step], str]] = {
    "429": (serve.rate_limit, "exceeded your limit"),
    "529": (serve.overloaded, "Overloaded"),
    "500": (serve.failing, "Internal server error"),
    "409": (lambda: serve.failing(409), "Internal server error"),
    "a page of a proxy": (serve.proxy_page, "Bad Gateway"),
    "a stream cut after its start": (lambda: serve.cut_stream(LONG, 1), "broke off"),
    "a stream cut within a block": (lambda: serve.cut_stream(LONG, 4), "broke off"),
    "a stream cut before its last event": (lambda: serve.cut_stream(LONG, 8), "broke off"),
    "an empty stream": (lambda: serve.cut_stream(LONG, 0), "broke off"),
    "a lost connection": (lambda: serve.dropped(LONG), "connection failed"),
    "an error in the stream": (lambda: serve.error_event(LONG), "Overloaded"),
    "an unknown error in the stream": (
        lambda: serve.error_event(LONG, kind="api_error"),
        "Overloaded",
    ),
    "garbage": (lambda: serve.garbage(LONG), "garbled"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_what_may_pass_is_tried_again(name: str) -> None:
    failure, why = FAILURES[name]
    turn, deltas, server = asked(failure(), failure(), LONG)
    assert turn.content == LONG.content
    told = [d.text for d in deltas if d.kind == "retry"]
    assert [why in text for text in told] == [True, True]
    after = deltas[max(n for n, d in enumerate(deltas) if d.kind == "retry") + 1 :]
    assert "".join(d.text for d in after) == LONG.content[0]["text"]
    assert len(server.requests) == 3
    assert server.requests[0] == server.requests[2]


def test_what_broke_off_is_paid_for() -> None:
    _, deltas, _ = asked(serve.cut_stream(LONG, 5), serve.overloaded(), LONG)
    first, second = (d.usage for d in deltas if d.kind == "retry")
    assert first.context > 0
    assert first.output > 5
    assert second == Usage()


def test_the_wish_of_the_service_is_honoured() -> None:
    _, deltas, _ = asked(serve.rate_limit("0.05"), LONG)
    (told,) = (d.text for d in deltas if d.kind == "retry")
    found = re.search(r"again in ([\d.]+) s", told)
    assert found is not None
    assert float(found[1]) >= 0.05


def test_it_gives_up_and_says_why() -> None:
    with pytest.raises(ModelUnreachable, match=r"4 attempts.*Overloaded"):
        asked(*[serve.overloaded()] * 5)
    with pytest.raises(ModelUnreachable, match="asks to wait"):
        asked(serve.rate_limit("3600"))


def test_nobody_there() -> None:
    with MessagesServer([]) as server:
        nobody = model(server)
    with pytest.raises(ModelUnreachable, match="refused") as caught:
        nobody.turn(request(), lambda _: None, threading.Event())
    assert caught.value.exit_code == 6


@pytest.mark.parametrize(
    ("step", "kind", "code"),
    [
        (serve.too_long(), ContextTooLong, 5),
        (serve.unauthorized(), NeedsModel, 4),
        (serve.forbidden(), NeedsModel, 4),
        (serve.invalid(), RequestRefused, 6),
        (serve.not_a_stream(), RequestRefused, 6),
        (serve.error_event(LONG, kind="invalid_request_error"), RequestRefused, 6),
        (serve.Refusal(404, "not_found_error", "model: nope"), RequestRefused, 6),
    ],
)
def test_what_cannot_pass_is_not_tried_again(
    step: Step, kind: type[SpecmillError], code: int
) -> None:
    with MessagesServer([step]) as server, pytest.raises(kind) as caught:
        model(server).turn(request(), lambda _: None, threading.Event())
    assert len(server.requests) == 1
    assert caught.value.exit_code == code
    assert "\n" not in caught.value.message


def test_a_wrong_key_says_how_to_set_one() -> None:
    with MessagesServer([LONG], key="another") as server, pytest.raises(NeedsModel) as caught:
        model(server).turn(request(), lambda _: None, threading.Event())
    assert "ANTHROPIC_API_KEY" in caught.value.remedy
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "named"),
    [("anthropic", "ANTHROPIC_API_KEY"), ("bedrock", "AWS_REGION"), ("vertex", "CLOUD_ML_REGION")],
)
def test_no_key_at_all(kind: str, named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("CLOUD_ML_REGION", raising=False)
    nobody = Claude(kind, "claude-sonnet-5-5")  # type: ignore[arg-type]
    with pytest.raises(NeedsModel) as caught:
        nobody.turn(request(), lambda _: None, threading.Event())
    assert named in caught.value.remedy


@pytest.mark.parametrize("kind", ["bedrock", "vertex"])
def test_a_cloud_whose_package_is_missing(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("CLOUD_ML_REGION", "global")
    monkeypatch.setenv("ANTHROPIC_VERTEX_PROJECT_ID", "p")
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    for name in ("boto3", "botocore", "google.auth"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ProgramMissing) as caught:
        Claude(kind, "m").turn(request(), lambda _: None, threading.Event())  # type: ignore[arg-type]
    assert caught.value.remedy == f"Install specmill[{kind}]."


def test_a_turn_is_stopped_while_the_stream_is_silent() -> None:
    hold, cancel = threading.Event(), threading.Event()
    with MessagesServer([serve.stalled(LONG, hold)]) as server:
        with pytest.raises(Cancelled) as caught:
            model(server).turn(request(), lambda _: cancel.set(), cancel)
        readers = [t for t in threading.enumerate() if t.name == "model"]
        for reader in readers:
            reader.join(10)  # the connection was hung up: it ends though nothing arrives
            assert not reader.is_alive()
        hold.set()
    assert caught.value.usage.output > 0


def test_a_turn_is_stopped_during_a_pause() -> None:
    cancel = threading.Event()
    with MessagesServer([serve.rate_limit("200")]) as server, pytest.raises(Cancelled):
        model(server, retry=Retry()).turn(request(), lambda _: cancel.set(), cancel)


def test_a_stopped_turn_never_asks() -> None:
    cancel = threading.Event()
    cancel.set()
    with MessagesServer([]) as server, pytest.raises(Cancelled):
        model(server).turn(request(), lambda _: None, cancel)
    assert server.requests == []


def test_a_fault_of_the_watcher_is_not_taken_for_one_of_the_service() -> None:
    def broken(delta: Delta) -> None:
        raise TypeError("bug in a watcher, not an authentication problem")

    with MessagesServer([LONG]) as server, pytest.raises(TypeError, match="bug"):
        model(server).turn(request(), broken, threading.Event())


def test_a_slow_answer_arrives_piece_by_piece() -> None:
    turn, deltas, _ = asked(serve.slow_drip(LONG, 0.002))
    assert turn.content == LONG.content
    assert len(deltas) > 2


def test_a_truncated_call_is_known_as_one() -> None:
    turn, _, _ = asked(serve.truncated_tool_call("write_file", '{"path": "a.sql", "text": "sel'))
    assert turn.stop_reason == "max_tokens"
    (block,) = turn.content
    assert block["input"] == {}
    assert "no valid JSON" in turn.malformed[block["id"]]


def test_refusals_say_why() -> None:
    sent = Turn((), "refusal", Usage(), "", {}, "declined by a safety classifier")
    turn, _, _ = asked(sent)
    assert (turn.stop_reason, turn.detail) == ("refusal", "declined by a safety classifier")


def test_thinking_that_does_not_hold_any_more_is_left_out() -> None:
    thought = {"type": "thinking", "thinking": "", "signature": "s"}
    said: Message = {"role": "assistant", "content": [thought, {"type": "text", "text": "a"}]}
    bound = serve.invalid("messages.1.content.0: Invalid `signature` in `thinking` block.")
    deltas: list[Delta] = []
    with MessagesServer([bound, LONG, say("b")]) as server:
        claude = model(server)
        claude.turn(request(HI, said, HI), deltas.append, threading.Event())
        claude.turn(request(HI, said, HI, said, HI), deltas.append, threading.Event())
    server.check()
    kinds = [
        [b["type"] for m in body["messages"] for b in m["content"]] for body in server.requests
    ]
    assert kinds == [
        ["text", "thinking", "text", "text"],
        ["text", "text", "text"],
        ["text", "text", "text", "thinking", "text", "text"],
    ]
    assert [d.kind for d in deltas].count("retry") == 1


def test_models_that_do_not_know_adaptive_thinking_are_not_asked_for_it() -> None:
    with MessagesServer([call("x", a=1)]) as server:
        model(server, "claude-haiku-4-5").turn(
            request(model="claude-haiku-4-5"), lambda _: None, threading.Event()
        )
    assert "thinking" not in server.requests[0]


def test_the_sdk_is_not_imported_before_it_is_needed() -> None:
    code = (
        "import sys; from agent.model.claude import Claude; Claude('anthropic', 'm', api_key='k');"
        "assert not {'anthropic', 'httpx2', 'httpx'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=REPO, check=True)
