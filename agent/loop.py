"""The loop: the model answers, its tools run, their results go back, until it is done."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from agent.acting import Silent, Toolbox, Watcher, results
from agent.limits import Limits, Meter, Spent
from agent.model.base import Block, Cancelled, ContextTooLong, Delta, Model, Request, Turn, Usage
from agent.model.validity import BREAKPOINTS
from agent.talk import Conversation, ToolCall, calls_of, text_of
from tools.desk import ToolResult

__all__ = ["Ended", "Limits", "Silent", "Spent", "Toolbox", "Watcher", "converse"]

ANSWER_STOPPED = "(The person stopped your answer here.)"
CALL_STOPPED = "Stopped by the person. What it did until then stays: look before you repeat it."
CUT_CALL = (
    "Not run: your answer was cut off at {had} tokens, so that the input may lack fields. Answers "
    "have room for {now} tokens now: send the call again, whole, or in smaller parts."
)
CUT_TEXT = "Your answer was cut off at {had} tokens. There is room for {now} now: go on from there."
FULL = "Not finished: the context window is full."
GO_ON = "Go on."
MALFORMED = "Not run: the input does not fit the schema of the tool. {why}"
MISMATCH = "Not run: a call needs the stop reason tool_use, and yours was {reason}. Send it again."
NO_CALL = "Your answer said that it calls a tool, and held no call. Send it again."
NOT_KNOWN = "Not run: the answer ended with the stop reason {reason}, which is not known here."


@dataclass(frozen=True)
class Ended:
    """How a conversation ended, unless a limit did it (``BudgetSpent``).

    Args:
        reason: ``done``; ``refused`` by the service's safety classifiers; ``cancelled`` by the
            person; ``stopped`` for a reason that this version does not know.
        text: the last answer in words.
        spent: what was used.
        detail: more about the reason.
    """

    reason: Literal["done", "refused", "cancelled", "stopped"]
    text: str
    spent: Spent
    detail: str = ""


def converse(
    model: Model,
    talk: Conversation,
    system: tuple[Block, ...],
    toolbox: Toolbox,
    limits: Limits,
    *,
    spent: Spent,
    watch: Watcher,
    cancel: threading.Event,
    steer: Callable[[], list[str]] = list,
    save: Callable[[], None] = lambda: None,
) -> Ended:
    """Goes on with a conversation until the model is done.

    However it ends, the conversation is one that can be sent. If its last message is the model's
    there is nothing to do: that is how a run that was killed after its last answer resumes.

    Args:
        model: answers.
        talk: grows.
        system: instructions; the same in each request.
        toolbox: what the model may call.
        limits: on what is used.
        spent: what was used before; counted up.
        watch: is told what happens.
        cancel: ends the turn at once when it is set.
        steer: gives, and forgets, what the person said since it was asked last.
        save: called each time the conversation grew.

    Raises:
        BudgetSpent: a limit is reached; the message names it.
        ContextTooLong: the conversation does not fit any more.
        SpecmillError: the model cannot be reached, or the service refuses the request.
    """
    meter = Meter(limits, spent, model.name)
    loop = _Loop(model, talk, system, toolbox, meter, watch, cancel, steer, save)
    try:
        talk.mend()
        while talk.waits:
            if ended := loop.handle(loop.ask()):
                return ended
        return Ended("done", text_of(talk.messages[-1]["content"]), spent)
    except Cancelled as stopped:
        meter.used(stopped.usage)
        return Ended("cancelled", "".join(loop.words), spent)
    finally:
        talk.mend(CALL_STOPPED)
        save()


@dataclass
class _Loop:
    model: Model
    talk: Conversation
    system: tuple[Block, ...]
    toolbox: Toolbox
    meter: Meter
    watch: Watcher
    cancel: threading.Event
    steer: Callable[[], list[str]]
    save: Callable[[], None]

    def __post_init__(self) -> None:
        self.words: list[str] = []
        self.room = 0

    def ask(self) -> Turn:
        """One whole answer; of one that is stopped the words stay."""
        self.meter.check()
        tools = self.toolbox.definitions()
        marks = sum("cache_control" in block for block in (*tools, *self.system))
        messages = self.talk.cached(min(2, BREAKPOINTS - marks))
        request = self.meter.affordable(
            Request(self.model.name, self.system, tools, messages, self.meter.max_tokens)
        )
        self.words, self.room = [], request.max_tokens
        self.watch.asked(request)
        try:
            turn = self.model.turn(request, partial(self._arrives, request), self.cancel)
        except Cancelled:
            self._stopped("".join(self.words).strip())
            raise
        self.watch.answered(turn, self.meter.answered(turn))
        return turn

    def _arrives(self, request: Request, delta: Delta) -> None:
        if delta.kind == "text":
            self.words.append(delta.text)
        elif delta.kind == "retry":
            self.words = []
            self.meter.used(delta.usage)
            self.meter.check()
            self.meter.affordable(request)
        self.watch.delta(delta)

    def _stopped(self, words: str) -> None:
        if words:
            said: Block = {"type": "text", "text": words}
            self.talk.answer(Turn((said,), "cancelled", Usage(), self.model.name, {}))
            self._say(ANSWER_STOPPED)

    def handle(self, turn: Turn) -> Ended | None:
        """Does what the stop reason asks for; how the conversation ended, if it did."""
        calls = calls_of(turn)
        match turn.stop_reason:
            case "tool_use" if calls:
                self._act(turn, calls)
            case "tool_use":
                self._void(turn, NO_CALL, usable=False)
            case "end_turn" | "stop_sequence" if calls:
                self._void(turn, MISMATCH.format(reason=turn.stop_reason), usable=False)
            case "end_turn" | "stop_sequence":
                return self._done(turn)
            case "max_tokens":
                why = CUT_CALL if calls else CUT_TEXT
                told = why.format(had=self.room, now=self.meter.more_room())
                self._void(turn, told, usable=not calls and bool(text_of(turn.content)))
            case "pause_turn":
                self._void(turn, GO_ON)
            case "refusal":
                return Ended("refused", text_of(turn.content), self.meter.spent, turn.detail)
            case "model_context_window_exceeded":
                self._void(turn, FULL)
                raise ContextTooLong("The conversation fills the context window of the model.")
            case unknown:
                self._void(turn, NOT_KNOWN.format(reason=unknown))
                detail = f"The model stopped for a reason that is not known here: {unknown}."
                return Ended("stopped", text_of(turn.content), self.meter.spent, detail)
        return None

    def _done(self, turn: Turn) -> Ended | None:
        self.talk.answer(turn)
        self.save()
        if said := self.steer():
            self._say(*said)
            return None
        return Ended("done", text_of(turn.content), self.meter.spent)

    def _void(self, turn: Turn, why: str, *, usable: bool = True) -> None:
        """Keeps an answer that cannot be acted upon, and tells the model why."""
        self.talk.answer(turn)
        if self.talk.open_calls():
            self.talk.mend(why)
        else:
            self.talk.say(why)
        self._say(*self.steer())
        self.meter.usable(usable)

    def _act(self, turn: Turn, calls: tuple[ToolCall, ...]) -> None:
        """Runs the calls of an answer, each result kept as soon as it is there."""
        self.talk.answer(turn)
        self.save()
        good: list[ToolCall] = []
        for call in calls:
            if why := turn.malformed.get(call.id) or self.toolbox.malformed(call):
                self._result(call, ToolResult(MALFORMED.format(why=why), is_error=True))
            else:
                good.append(call)
        pairs = []
        for call, result in results(good, self.toolbox, self.watch, self.cancel):
            self._result(call, result)
            pairs.append((call, result))
        notes = [self.meter.called(call.name, call.input, result) for call, result in pairs]
        self._say(*notes, *self.steer())
        self.meter.usable(bool(good))

    def _result(self, call: ToolCall, result: ToolResult) -> None:
        self.talk.results([(call, result)])
        self.save()
        self.watch.called(call, result)

    def _say(self, *texts: str) -> None:
        for text in texts:
            if text.strip():
                self.talk.say(text)
        self.save()
