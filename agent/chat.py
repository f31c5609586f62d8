"""A conversation with a person: messages in, turns of the model out, files that can be put back.

It knows no terminal. A front is told what happens and asked what only a person can answer; turns
run in a thread of the front's choosing, and everything else may be called while one runs.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from agent.chat_front import Front
from agent.chat_lines import (
    Shown,
    call_line,
    result_line,
    status_line,
)
from agent.checkpoints import Checkpoints
from agent.compaction import Compactor, Kept
from agent.config import Settings
from agent.limits import Limits, Meter, Spent
from agent.loop import Ended, converse
from agent.mentions import mentioned, specs_by_name
from agent.model.base import Cancelled, ContextTooLong, Delta, Model, Request, Turn
from agent.prompting import data
from agent.sessions import Session, knows
from agent.talk import ToolCall
from agent.transcript import result_text
from tools.desk import ToolError, ToolResult
from tools.errors import SpecmillError
from tools.repo import Repo
from tools.repo_snapshot import forget_others
from tools.workspace import STATE, Workspace

if TYPE_CHECKING:
    from agent.chat_bench import Bench

MODES = ("plan", "ask", "edit", "auto")
_TOKENS = 2_000_000
_SHARED = 8_000


@runtime_checkable
class Warm(Protocol):
    """A model whose first request takes longer, unless it is told before."""

    def warm(self) -> None:
        """Gets ready."""


class Chat:
    """A session at work.

    Args:
        workspace: where.
        settings: model, limits and permission rules count.
        session: the conversation and what is kept with it.
        front: where the person sits.
        model_of: gives the model of some settings.
    """

    def __init__(
        self,
        workspace: Workspace,
        settings: Settings,
        session: Session,
        front: Front,
        model_of: Callable[[Settings], Model],
    ) -> None:
        self.workspace, self.settings, self.session, self.front = (
            workspace, settings, session, front,
        )  # fmt: skip
        self.model_of = model_of
        self.settings = replace(settings, model=session.facts.get("model", settings.model))
        self.model = model_of(self.settings)
        self.mode: str = session.facts.get("mode", "ask")
        known = session.facts.get("spent")
        self.spent = Spent.from_json(known) if known else Spent()
        self._money = self.spent.money + settings.money
        self.points = Checkpoints.load(workspace.root, session.id, session.folder)
        self.compactor = Compactor(session.facts.get("compactions", 0))
        self.cancel = threading.Event()
        self.calls: list[Shown] = _calls_of(session)
        self._steering: deque[str] = deque()
        self._notes: list[str] = []
        self._making = threading.Lock()
        self._request = ""

    @cached_property
    def _bench(self) -> Bench:
        from agent.chat_bench import make_bench  # noqa: PLC0415  # heavy; see there

        front = self.front
        return make_bench(
            self.workspace,
            self.settings,
            self.mode,
            self.session.folder,
            self.cancel,
            approve=self._approve if front.present else None,
            ask=front.ask if front.present else None,
            before_write=lambda _: self.points.begin(self._request),
        )

    @property
    def bench(self) -> Bench:
        """Tools and prompt; made when first needed, which takes a moment.

        Raises:
            SpecmillError: the constitution or a permission rule is wrong.
        """
        with self._making:
            return self._bench

    def warm(self) -> None:
        """Does what takes a moment, ahead of the first message; failures show up with that."""
        with suppress(SpecmillError):
            self._hide_state()
            if isinstance(self.model, Warm):
                self.model.warm()
            self.bench  # noqa: B018 - made by being asked for
            forget_others(self.workspace.root, partial(knows, self.workspace))

    def _hide_state(self) -> None:
        """Has git overlook the state folder."""
        repo = Repo.open(self.workspace.root)
        if repo:
            repo.exclude(f"{STATE}/")

    @property
    def status(self) -> str:
        """Model, mode, context used, tokens, money."""
        return status_line(self.model.name, self.mode, self.spent, self.model.context_window)

    def turn(self, text: str) -> None:
        """Answers a message; comes back when the turn is over, however it ends.

        Args:
            text: as typed; files that it names by ``@path`` go with it.
        """
        self.cancel.clear()
        self._request = text
        try:
            self._say(text)
            self._told(self._answered())
        except Cancelled:
            self.front.notice("stopped")
        except SpecmillError as error:
            self.front.failed(error)
        finally:
            self._end_turn()

    def stop(self) -> None:
        """Ends the turn at once; may be called from any thread."""
        self.cancel.set()

    def steer(self, text: str) -> None:
        """Says something while a turn runs: the model reads it before its next step."""
        self._steering.append(text)

    def unsaid(self) -> list[str]:
        """What was typed during a turn and came too late for it; forgotten here."""
        said = []
        while self._steering:
            said.append(self._steering.popleft())
        return said

    def note(self, text: str) -> None:
        """Tells the model something with the next message."""
        self._notes.append(text)

    def share(self, name: str, output: str) -> None:
        """Gives the model what a command printed for the person, with the next message."""
        if output.strip():
            shown = output if len(output) <= _SHARED else f"[...]\n{output[-_SHARED:]}"
            self.note(f"The person ran {name}.\n{data('output', name, shown)}")

    def close(self) -> None:
        """Ends what tools keep running."""
        if "_bench" in self.__dict__:
            self._bench.toolbox.close()

    def _say(self, text: str) -> None:
        """Appends a message with what goes with it: mode, notes, files."""
        session = self.session
        session.talk.mend()
        if session.facts.get("told_mode", "ask") != self.mode:
            self._notes.insert(0, f"(The mode is {self.mode} from here on.)")
        notes, self._notes = self._notes, []
        for path in mentioned(text, specs_by_name(self.workspace)) if "@" in text else ():
            try:
                notes.append(self.bench.attach(path))
            except ToolError as error:
                self.front.notice(f"@{path} does not go along: {error}")
        session.talk.say(text, blocks=[{"type": "text", "text": note} for note in notes])
        session.save()
        session.note(told_mode=self.mode)

    def _answered(self) -> Ended:
        kept = (Kept("request", self._request),)
        if self.compactor.is_due(self.spent.context, self.model.context_window):
            self.front.notice("the conversation is long; summing it up")
            self.shorten(kept)
        while True:
            try:
                return converse(
                    self.model,
                    self.session.talk,
                    self.bench.system,
                    self.bench.toolbox,
                    self._limits(),
                    spent=self.spent,
                    watch=_Watch(self),
                    cancel=self.cancel,
                    steer=self.unsaid,
                    save=self.session.save,
                )
            except ContextTooLong:
                self.front.notice("the conversation does not fit any more; summing it up")
                self.shorten(kept)

    def shorten(self, kept: Sequence[Kept]) -> None:
        """Makes the conversation shorter; see :mod:`agent.compaction`."""
        session, bench = self.session, self.bench
        plan = session.facts.get("plan")
        texts = [*kept, *([Kept("plan", plan)] if plan else ())]
        session.talk = self.compactor.compact(
            session.talk,
            self.model,
            bench.system,
            bench.toolbox.definitions(),
            self.cancel,
            meter=Meter(self._limits(), self.spent, self.model.name),
            kept=texts,
        )
        self.spent.context = 0  # not known before the next answer
        session.save()

    def _limits(self) -> Limits:
        """A message may use what one call of the command line may; money is of the session."""
        spent, settings = self.spent, self.settings
        return Limits(
            turns=spent.turns + settings.turns,
            tokens=spent.usage.total + _TOKENS,
            money=self._money,
            seconds=spent.seconds + settings.seconds,
            max_tokens=settings.max_tokens,
        )

    def _told(self, ended: Ended) -> None:
        match ended.reason:
            case "cancelled":
                self.front.notice("stopped")
            case "refused":
                self.front.notice(f"the model declined to answer. {ended.detail}".rstrip())
            case "stopped":
                self.front.notice(ended.detail)
            case "done" if self.mode == "plan":
                self.session.note(plan=ended.text)

    def _end_turn(self) -> None:
        self.points.mark()
        changed = self.points.end()
        self.compactor.turn_ended()
        self.keep()
        if changed:
            names = ", ".join(changed[:5]) + (
                f" and {len(changed) - 5} more" if changed[5:] else ""
            )
            self.front.notice(f"changed {names}; /diff shows it, /undo takes it back")

    def keep(self) -> None:
        """Saves what is new."""
        self.session.save()
        self.session.note(spent=self.spent.to_json(), compactions=self.compactor.row)

    def _approve(self, call: ToolCall, preview: str, why: str, can_always: bool) -> tuple[str, str]:
        shown = "" if self.bench.effect(call) == "write" else preview
        return self.front.approve(call_line(call), shown, why, can_always=can_always)


class _Watch:
    """Tells the front what the loop does."""

    def __init__(self, chat: Chat) -> None:
        self.chat = chat
        self.numbers: dict[str, int] = {}

    def delta(self, delta: Delta) -> None:
        front = self.chat.front
        if delta.kind == "text":
            front.text(delta.text)
        elif delta.kind == "thinking":
            front.thinking()
        elif delta.kind == "retry":
            front.again(delta.text)

    def asked(self, request: Request) -> None:
        """Nothing to tell: what was asked for is on the screen."""

    def answered(self, turn: Turn, money: float) -> None:  # noqa: ARG002 - the protocol's
        self.chat.session.note(spent=self.chat.spent.to_json())

    def calling(self, call: ToolCall) -> None:
        chat = self.chat
        number = self.numbers[call.id] = len(chat.calls) + len(self.numbers) + 1
        bench = chat.bench
        chat.front.calling(number, call_line(call), bench.effect(call), bench.change(call))

    def called(self, call: ToolCall, result: ToolResult) -> None:
        chat = self.chat
        effect = chat.bench.effect(call)
        if effect not in ("read", "ask"):
            chat.points.mark()
        self.numbers.pop(call.id, None)
        shown = Shown(len(chat.calls) + 1, call, result.text, result.is_error)
        chat.calls.append(shown)
        line, came_to = call_line(call), result_line(result)
        chat.front.called(shown.number, line, came_to, effect, ok=not result.is_error)


def _calls_of(session: Session) -> list[Shown]:
    """The calls of a conversation that is resumed."""
    calls: dict[str, ToolCall] = {}
    found: list[Shown] = []
    for message in session.talk.messages:
        for block in message["content"]:
            if block["type"] == "tool_use":
                calls[block["id"]] = ToolCall(block["id"], block["name"], block["input"])
            elif block["type"] == "tool_result" and block["tool_use_id"] in calls:
                call, text = calls[block["tool_use_id"]], result_text(block)
                found.append(Shown(len(found) + 1, call, text, bool(block.get("is_error"))))
    return found
