"""The loop: whatever happens in it, the conversation can be sent and nothing runs twice."""

from __future__ import annotations

import contextlib
import copy
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.loop import (
    ANSWER_STOPPED,
    CALL_STOPPED,
    CUT_TEXT,
    FULL,
    GO_ON,
    NO_CALL,
    Ended,
    Limits,
    Silent,
    Spent,
    converse,
)
from agent.model.base import (
    Cancelled,
    ContextTooLong,
    Delta,
    Json,
    Message,
    ModelUnreachable,
    Request,
    Turn,
    Usage,
)
from agent.model.scripted import Scripted, Step, answer, call, calls, say
from agent.model.validity import breakpoints, violations
from agent.talk import UNKNOWN, Conversation, ToolCall
from tests.messages_server import KEY, MessagesServer, truncated_tool_call
from tools.desk import ToolResult
from tools.errors import BudgetSpent

SYSTEM = ({"type": "text", "text": "You help.", "cache_control": {"type": "ephemeral"}},)
FREE = Limits(turns=1000, repeats=1000, malformed=1000)


class Tools:
    """``look`` reads, ``edit`` writes, ``bug`` is broken, ``stop`` is stopped by a person."""

    def __init__(self, cancel: threading.Event | None = None) -> None:
        self.ran: list[str] = []
        self.cancel = cancel or threading.Event()
        self.meet: threading.Barrier | None = None

    def definitions(self) -> tuple[Json, ...]:
        schema = {"type": "object"}
        names = ("bug", "edit", "look", "quit", "stop")
        return tuple({"name": name, "input_schema": schema} for name in names)

    def malformed(self, call: ToolCall) -> str:
        known = {tool["name"] for tool in self.definitions()}
        if call.name not in known:
            return f"There is no tool {call.name}."
        return "`a` is missing." if call.input.get("bad") else ""

    def reads_only(self, call: ToolCall) -> bool:
        return call.name == "look"

    def run(self, call: ToolCall) -> ToolResult:
        assert not self.cancel.is_set(), "a call began after the person stopped the turn"
        self.ran.append(call.id)
        if self.meet is not None:
            self.meet.wait(10)
        if call.name == "bug":
            raise ZeroDivisionError
        if call.name in ("stop", "quit"):
            self.cancel.set()
        if call.name == "stop":
            raise Cancelled
        changed = ("a.sql",) if call.name == "edit" else ()
        return ToolResult(f"{call.name} {call.input}", changed=changed)


class Log(Silent):
    """What a watcher was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def delta(self, delta: Delta) -> None:
        self.told.append(delta.kind)

    def asked(self, request: Request) -> None:
        self.told.append("asked")

    def answered(self, turn: Turn, money: float) -> None:
        assert money > 0
        self.told.append("answered")

    def calling(self, call: ToolCall) -> None:
        self.told.append(f"calling {call.name}")

    def called(self, call: ToolCall, result: ToolResult) -> None:
        self.told.append(f"called {call.name}")


class Run:
    """A conversation with a scripted model, and what came of it."""

    def __init__(self, *steps: Step, limits: Limits = FREE, say_first: str = "go") -> None:
        self.model = Scripted(steps)
        self.tools = Tools()
        self.talk = Conversation()
        self.talk.say(say_first)
        self.limits = limits
        self.spent = Spent()
        self.log = Log()
        self.steering: list[list[str]] = []
        self.save: Callable[[], None] = lambda: None

    def go(self) -> Ended:
        return converse(
            self.model,
            self.talk,
            SYSTEM,
            self.tools,
            self.limits,
            spent=self.spent,
            watch=self.log,
            cancel=self.tools.cancel,
            steer=lambda: self.steering.pop(0) if self.steering else [],
            save=self.save,
        )

    @property
    def told(self) -> list[str]:
        """The results and texts of the user's last message."""
        return [
            block["text"] if block["type"] == "text" else block["content"][0]["text"]
            for block in self.talk.messages[-1]["content"]
        ]


def test_it_ends_when_the_model_is_done() -> None:
    run = Run(call("look", a=1), say("All is well."))
    ended = run.go()
    assert (ended.reason, ended.text, ended.spent) == ("done", "All is well.", run.spent)
    assert [m["role"] for m in run.talk.messages] == ["user", "assistant"] * 2
    assert run.spent.turns == 2
    assert run.spent.money > 0
    assert run.log.told == [
        *("asked", "tool", "answered", "calling look", "called look"),
        *("asked", "text", "answered"),
    ]


def test_a_finished_conversation_is_not_asked_again() -> None:
    run = Run(say("Done."))
    run.go()
    again = Run()
    again.talk = run.talk
    assert again.go().text == "Done."


def test_only_reads_run_beside_each_other() -> None:
    run = Run(calls(("look", {"a": 1}), ("look", {"a": 2})), say("ok"))
    run.tools.meet = threading.Barrier(2)  # each waits for the other: one after the other hangs
    run.go()
    results = run.talk.messages[2]["content"]
    assert [block["tool_use_id"] for block in results] == ["toolu_0001_0", "toolu_0001_1"]

    run = Run(calls(("look", {}), ("edit", {}), ("look", {"a": 2})), say("ok"))
    run.go()
    assert run.tools.ran == ["toolu_0001_0", "toolu_0001_1", "toolu_0001_2"]
    told = ["calling look", "called look", "calling edit", "called edit"]
    assert run.log.told[5:11] == [*told, "calling look", "called look"]


def test_a_malformed_call_does_not_run_and_its_neighbours_do() -> None:
    wrong = calls(("look", {"bad": 1}), ("nope", {}), ("look", {"a": 1}))
    run = Run(wrong, ContextTooLong("stop here"))
    with pytest.raises(ContextTooLong):
        run.go()
    assert run.tools.ran == ["toolu_0001_2"]
    assert ["`a` is missing." in run.told[0], "no tool nope" in run.told[1]] == [True, True]
    assert run.talk.messages[-1]["content"][0]["is_error"] is True


def test_a_truncated_call_never_runs_and_gets_more_room() -> None:
    """The same through the real SDK: the service sends half of the input."""
    from agent.model.claude import Claude

    half = truncated_tool_call("edit", '{"path": "a.sql", "text": "sel')
    whole_but_cut = answer(
        {"type": "tool_use", "id": "", "name": "edit", "input": {"a": 1}}, stop="max_tokens"
    )
    tools, talk = Tools(), Conversation()
    talk.say("go")
    with MessagesServer([half, whole_but_cut, call("edit", a=2), say("ok")]) as server:
        ended = converse(
            Claude("anthropic", "claude-sonnet-5-5", api_key=KEY, base_url=server.url),
            talk,
            SYSTEM,
            tools,
            Limits(max_tokens=1000, max_tokens_cap=3000),
            spent=Spent(),
            watch=Silent(),
            cancel=tools.cancel,
        )
    server.check()
    assert ended.reason == "done"
    assert [body["max_tokens"] for body in server.requests] == [1000, 2000, 3000, 3000]
    assert tools.ran == ["toolu_0003_0"]
    told = [m["content"][0]["content"][0]["text"] for m in talk.messages[2:5:2]]
    assert "cut off at 1000 tokens" in told[0]
    assert "room for 2000 tokens" in told[0]
    assert "cut off at 2000 tokens" in told[1]


def test_a_truncated_text_goes_on_with_more_room() -> None:
    limits = Limits(max_tokens=10, max_tokens_cap=15, malformed=1)
    run = Run(answer({"type": "text", "text": "One"}, stop="max_tokens"), say("two"), limits=limits)
    assert run.go().text == "two"
    assert [r.max_tokens for r in run.model.requests] == [10, 15]
    told = run.talk.messages[2]["content"]
    assert told == [{"type": "text", "text": CUT_TEXT.format(had=10, now=15)}]


def test_a_model_that_only_thinks_up_to_its_limit_is_ended() -> None:
    unsigned = {"type": "thinking", "thinking": "hm", "signature": ""}
    run = Run(*[answer(unsigned, stop="max_tokens")] * 2, limits=Limits(malformed=2))
    with pytest.raises(BudgetSpent, match="malformed"):
        run.go()


@pytest.mark.parametrize(
    ("turn", "told"),
    [
        (answer({"type": "text", "text": "a"}, stop="pause_turn"), [GO_ON]),
        (answer({"type": "text", "text": "a"}, stop="tool_use"), [NO_CALL]),
        (answer(*call("look").content, stop="end_turn"), ["yours was end_turn"]),
        (answer(*call("look").content, stop="stop_sequence"), ["yours was stop_sequence"]),
        (answer(*call("look").content, stop="pause_turn"), [GO_ON]),
        (answer(stop="tool_use"), ["go", NO_CALL]),
        (answer(stop="max_tokens"), ["go", "cut off"]),
    ],
)
def test_stop_reasons_that_go_on(turn: Turn, told: list[str]) -> None:
    run = Run(turn, ContextTooLong("stop here"))
    with pytest.raises(ContextTooLong):
        run.go()
    assert run.tools.ran == []
    assert len(run.told) == len(told)
    assert all(part in text for part, text in zip(told, run.told, strict=True))


def test_a_stop_sequence_is_an_end() -> None:
    assert Run(answer({"type": "text", "text": "a"}, stop="stop_sequence")).go().reason == "done"


@pytest.mark.parametrize("content", [(), call("edit").content, say("part").content])
def test_a_refusal_ends_it_and_nothing_of_it_is_kept(content: tuple[Json, ...]) -> None:
    run = Run(Turn(content, "refusal", Usage(), "", {}, "cyber"))
    ended = run.go()
    assert (ended.reason, ended.detail) == ("refused", "cyber")
    assert len(run.talk.messages) == 1
    assert run.tools.ran == []


def test_an_unknown_stop_reason_is_named() -> None:
    run = Run(answer(*call("edit").content, stop="tired"))
    ended = run.go()
    assert ended.reason == "stopped"
    assert "tired" in ended.detail
    assert run.tools.ran == []
    assert run.talk.waits


def test_a_full_context_is_for_the_caller() -> None:
    run = Run(answer({"type": "text", "text": "a"}, stop="model_context_window_exceeded"), say("b"))
    with pytest.raises(ContextTooLong):
        run.go()
    assert run.told == [FULL]
    assert run.go().text == "b"


def test_what_the_person_says_goes_with_the_next_results() -> None:
    run = Run(call("look"), say("ok"), say("and that too"))
    run.steering = [["not so fast", " "], ["and that?"], []]
    assert run.go().text == "and that too"
    said = run.talk.messages[2]["content"]
    assert [block["type"] for block in said] == ["tool_result", "text"]
    assert said[1]["text"] == "not so fast"
    assert run.talk.messages[4]["content"] == [{"type": "text", "text": "and that?"}]


def test_a_stopped_answer_keeps_its_words() -> None:
    cancelling = Run(answer({"type": "text", "text": "I thi "}, *call("edit").content), say("ok"))

    class Stop(Log):
        def delta(self, delta: Delta) -> None:
            cancelling.tools.cancel.set()

    cancelling.log = Stop()
    ended = cancelling.go()
    assert (ended.reason, ended.text) == ("cancelled", "I thi ")
    assert cancelling.talk.messages[1]["content"] == [{"type": "text", "text": "I thi"}]
    assert cancelling.told == [ANSWER_STOPPED]
    cancelling.tools.cancel.clear()
    cancelling.log = Log()
    cancelling.talk.say("go on")
    assert cancelling.go().text == "ok"
    assert cancelling.tools.ran == []


def test_words_of_a_void_attempt_are_not_kept() -> None:
    class Flaky:
        name, context_window = "m", 100

        def turn(self, request: Request, on: Callable[[Delta], None], cancel: Any) -> Turn:
            on(Delta("text", "half an ans"))
            on(Delta("retry", "broke off"))
            on(Delta("text", "anew"))
            raise Cancelled

    run = Run()
    run.model = Flaky()  # type: ignore[assignment]
    assert run.go().text == "anew"
    assert run.talk.messages[1]["content"] == [{"type": "text", "text": "anew"}]


def test_an_answer_stopped_before_its_first_word_leaves_nothing() -> None:
    run = Run(Cancelled(Usage(input=1_000_000)))
    assert run.go().reason == "cancelled"
    assert run.talk.to_json() == [{"role": "user", "content": [{"type": "text", "text": "go"}]}]
    assert run.spent.money > 0


@pytest.mark.parametrize(
    ("wanted", "ran", "told"),
    [
        (("stop", "edit"), 1, [CALL_STOPPED, CALL_STOPPED]),
        (("quit", "edit"), 1, ["quit {}", CALL_STOPPED]),
        (("edit", "stop", "look"), 2, ["edit {}", CALL_STOPPED, CALL_STOPPED]),
    ],
)
def test_a_stopped_call_is_answered(wanted: Sequence[str], ran: int, told: list[str]) -> None:
    run = Run(calls(*((name, {}) for name in wanted)))
    assert run.go().reason == "cancelled"
    assert len(run.tools.ran) == ran
    assert run.told == told


def test_a_bug_in_a_tool_leaves_a_conversation_that_goes_on() -> None:
    run = Run(calls(("edit", {}), ("bug", {}), ("edit", {"a": 2})), say("ok"))
    with pytest.raises(ZeroDivisionError):
        run.go()
    assert run.told == ["edit {}", CALL_STOPPED, CALL_STOPPED]
    assert run.go().reason == "done"


@pytest.mark.parametrize(
    ("limit", "limits", "steps"),
    [
        ("turns", Limits(turns=2), [call("edit", a=n) for n in range(9)]),
        ("tokens", Limits(tokens=50), [call("edit", a=n) for n in range(9)]),
        ("money", Limits(money=0.01), []),
        ("seconds", Limits(seconds=0.0), []),
        ("repeats", Limits(repeats=2), [call("look", a=1)] * 9),
        ("malformed", Limits(malformed=2), [call("look", bad=1)] * 9),
        ("malformed", Limits(malformed=2), [answer(stop="tool_use")] * 9),
    ],
)
def test_each_limit_ends_it_with_its_name(limit: str, limits: Limits, steps: list[Step]) -> None:
    run = Run(*steps, limits=limits)
    with pytest.raises(BudgetSpent, match=f"limit on {limit}") as caught:
        run.go()
    assert caught.value.exit_code == 5
    assert run.talk.open_calls() == ()
    assert run.talk.waits
    run.limits, run.model = FREE, Scripted([say("ok")])
    assert run.go().reason == "done"


def test_void_attempts_count_and_can_end_it() -> None:
    class Flaky:
        name, context_window = "m", 100

        def turn(self, request: Request, on: Callable[[Delta], None], cancel: Any) -> Turn:
            for _ in range(50):
                on(Delta("text", "half an ans"))
                on(Delta("retry", "broke off", Usage(input=1000, output=1000)))
            raise ModelUnreachable("down")

    run = Run(limits=Limits(money=0.5))
    run.model = Flaky()  # type: ignore[assignment]
    with pytest.raises(BudgetSpent, match="money"):
        run.go()
    assert 0.3 < run.spent.money <= 0.5
    assert run.spent.turns == 0


def test_breakpoints_stay_within_what_is_allowed() -> None:
    marked = tuple({**SYSTEM[0], "text": str(n)} for n in range(3))
    run = Run(*[call("edit", a=n) for n in range(4)], say("ok"))
    talk = Conversation()
    talk.say("go")
    converse(
        run.model,
        talk,
        marked,
        run.tools,
        FREE,
        spent=Spent(),
        watch=Silent(),
        cancel=threading.Event(),
    )
    assert [len(breakpoints(r.to_json())) for r in run.model.requests] == [4] * 5


def test_a_long_conversation_is_read_from_the_cache() -> None:
    run = Run(*[call("edit", a=n, text="x" * 400) for n in range(20)], say("ok"))
    run.go()
    usage = run.spent.usage
    assert usage.input == 0
    assert usage.cache_read > 8 * usage.cache_write


class Killed(BaseException):
    """The process is gone: nothing after it counts."""


class Disk:
    """Keeps what was saved until the process is killed, at one of its saves."""

    def __init__(self) -> None:
        self.messages: list[Message] = [
            {"role": "user", "content": [{"type": "text", "text": "go"}]}
        ]

    def holds(self, talk: Conversation, saves: int) -> None:
        self.talk, self.left, self.alive = talk, saves, True

    def save(self) -> None:
        if self.alive:
            self.messages = copy.deepcopy(self.talk.to_json())
            self.left -= 1
            if self.left == 0:
                self.alive = False
                raise Killed


WORDS = st.text(max_size=8)
CALLS = st.lists(
    st.sampled_from(
        [
            *[("look", {}), ("look", {"a": 1}), ("edit", {}), ("look", {"bad": 1}), ("nope", {})],
            *[("stop", {}), ("quit", {}), ("bug", {})],
        ]
    ),
    max_size=4,
)
STOPS = st.sampled_from(
    [
        *["", "", "", "end_turn", "tool_use", "max_tokens", "pause_turn", "refusal", "odd"],
        *["stop_sequence", "model_context_window_exceeded"],
    ]
)
THOUGHTS = st.sampled_from([None, "", "signed"])


@st.composite
def turns(draw: st.DrawFn) -> Turn:
    """Any answer that a service could give."""
    words, signature = draw(WORDS), draw(THOUGHTS)
    content: list[Json] = []
    if signature is not None:
        content.append({"type": "thinking", "thinking": "hm", "signature": signature})
    if draw(st.booleans()):
        content.append({"type": "text", "text": words})
    content += calls(*draw(CALLS)).content
    return answer(*content, stop=draw(STOPS))


STEPS = st.one_of(
    turns(), turns(), turns(), st.builds(ModelUnreachable, st.just("down")), st.builds(Cancelled)
)


@settings(max_examples=300)
@given(
    st.lists(STEPS, max_size=8),
    st.lists(st.integers(1, 12), max_size=4),
    st.lists(st.lists(WORDS, max_size=2), max_size=6),
    st.integers(1, 4),
)
def test_whatever_happens_the_conversation_is_valid(
    steps: list[Step], kills: list[int], steering: list[list[str]], limit: int
) -> None:
    """Crashes between any two saves, stops, bugs, malformed and parallel calls, limits."""
    model, tools, disk = Scripted([*steps, *[say("done")] * 50]), Tools(), Disk()
    while model.left > 47:
        talk = Conversation.from_json(copy.deepcopy(disk.messages))
        disk.holds(talk, kills.pop() if kills else 0)
        with contextlib.suppress(
            Killed, BudgetSpent, ContextTooLong, ModelUnreachable, ZeroDivisionError
        ):
            converse(
                model,
                talk,
                SYSTEM,
                tools,
                Limits(repeats=limit, malformed=limit, turns=limit + 2),
                spent=Spent(),
                watch=Silent(),
                cancel=tools.cancel,
                steer=lambda: steering.pop() if steering else [],
                save=disk.save,
            )
        tools.cancel.clear()
        if disk.alive:
            assert talk.open_calls() == ()
            assert disk.messages == talk.to_json()
            if not talk.waits:
                talk.say("and now?")
            body = {"model": "m", "max_tokens": 1, "messages": list(talk.cached())}
            assert violations(body) == ()
            disk.messages = talk.to_json()
    assert len(set(tools.ran)) == len(tools.ran), "a call ran twice"


def test_a_call_is_on_disk_before_it_runs() -> None:
    """Killed while it runs, a run resumes with a call whose effect is unknown, not without it."""
    run = Run(calls(("edit", {"a": 1}), ("edit", {"a": 2})), say("ok"))
    disk = Conversation()

    class Looks(Tools):
        def run(self, call: ToolCall) -> ToolResult:
            assert call in disk.open_calls()
            return super().run(call)

    def save() -> None:
        nonlocal disk
        disk = Conversation.from_json(run.talk.to_json())

    run.tools = Looks()
    run.save = save
    assert run.go().reason == "done"
    assert disk.messages == run.talk.messages


def test_a_killed_run_tells_the_model_what_is_not_known() -> None:
    run = Run(calls(("edit", {"a": 1}), ("edit", {"a": 2})), say("ok"))
    disk: list[Message] = []

    def save() -> None:
        if len(run.tools.ran) < 2:
            disk[:] = run.talk.to_json()

    run.save = save
    run.go()
    resumed = Run(say("ok"))
    resumed.talk = Conversation.from_json(disk)
    resumed.go()
    results = resumed.talk.messages[2]["content"]
    assert [r["content"][0]["text"] for r in results] == ["edit {'a': 1}", UNKNOWN]
