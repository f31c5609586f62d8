"""Messages in, turns out: the loop of ``specmill chat``, at a terminal and without one."""

from __future__ import annotations

import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, TextIO

import click

from agent.chat import Chat
from agent.chat_acts import Acts
from agent.chat_lines import last_answer
from agent.commands.errors import Session
from agent.config import Settings
from agent.mentions import files_to_mention, specs_by_name
from agent.model.base import Model
from agent.sessions import Session as Kept
from agent.sessions import new_session, open_session
from agent.slash import COMMANDS, Leave, Program, ShowCall, Text, parse
from tools.errors import SpecmillError
from tools.workspace import Workspace

if TYPE_CHECKING:
    from agent.terminal.chat import Screen
    from agent.terminal.chat_paper import Paper
    from agent.terminal.chat_piped import Pipe

_STYLED = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass
class Place:
    """Where a chat takes place.

    Args:
        session: this call of the command line.
        workspace: where tools work.
        settings: of the person, flags included.
        model_of: gives the model of some settings.
        facts: what the call chose: mode, model.
    """

    session: Session
    workspace: Workspace
    settings: Settings
    model_of: Callable[[Settings], Model]
    facts: dict[str, str] = field(default_factory=dict)
    terminated: bool = False

    @contextmanager
    def kept(self, name: str) -> Iterator[Kept]:
        """The session of that name, or a new one."""
        now = datetime.now().astimezone()
        opened = open_session(self.workspace, name) if name else new_session(self.workspace, now)
        with opened as kept, self._terminable():
            kept.note(**self.facts)
            self.facts = {}  # what was chosen for this session is not for the next one
            yield kept

    def resumable(self, kept: Kept) -> None:
        """Says from now on how to go on, should this be interrupted."""
        self.session.resume_hint = f"specmill chat --resume {kept.id}"

    @contextmanager
    def _terminable(self) -> Iterator[None]:
        """Tells SIGTERM, which ends the chat, from Ctrl-C, which ends a turn."""

        def end(_signal: int, _frame: Any) -> None:
            self.terminated = True
            raise KeyboardInterrupt

        before = signal.signal(signal.SIGTERM, end)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)


def talk(place: Place, screen: Screen, resume: str) -> int:
    """Talks at a terminal until the person leaves; returns the exit code."""
    name = resume
    while True:
        with place.kept(name) as kept:
            leave = _Talk(place, screen, kept).run()
        if not leave.resume:
            return 0
        name = leave.resume


class _Talk:
    """One session at a terminal."""

    def __init__(self, place: Place, screen: Screen, kept: Kept) -> None:
        self.place, self.screen = place, screen
        self.chat = Chat(place.workspace, place.settings, kept, screen, place.model_of)
        self.acts = Acts(self.chat)
        self.later: list[str] = []
        """Commands that were typed during a turn."""

    def run(self) -> Leave:
        paper, kept = self.screen.paper, self.chat.session
        paper.line(f"specmill chat, session {kept.id}; /help lists what you can do", "faint")
        if kept.title:
            paper.line(f"going on with: {kept.title}", "faint")
            paper.text(last_answer(kept.talk))
            paper.end()
        paper.line(self.chat.status, "faint")
        threading.Thread(target=self.chat.warm, name="warm", daemon=True).start()
        try:
            leave = self._messages()
        finally:
            self.chat.close()
        if kept.talk.messages and not leave.resume:
            paper.line(f"kept; go on with: specmill chat --resume {kept.id}", "faint")
        self.place.session.resume_hint = ""
        return leave

    def _messages(self) -> Leave:
        interrupts = 0
        while True:
            typed = self.screen.read()
            interrupts = interrupts + 1 if typed.kind == "interrupt" else 0
            if typed.kind == "end" or interrupts > 1:
                return Leave()
            if typed.kind == "interrupt":
                self.screen.paper.line("Ctrl-C again leaves", "faint")
            elif typed.kind == "show":
                self._unfold("")
                self.screen.keep(typed.text)
            elif typed.text.strip():
                leave = self._said(typed.text)
                if leave:
                    return leave

    def _said(self, text: str) -> Leave | None:
        """Does what a line says, and what was typed meanwhile."""
        leave = None
        while text and leave is None:
            if text.startswith("/"):
                leave = self._slash(text)
            else:
                self._turn(text)
            text = "\n".join(self.chat.unsaid()) or (self.later.pop(0) if self.later else "")
        return leave

    def _turn(self, text: str) -> None:
        self.place.resumable(self.chat.session)
        self._work(lambda: self.chat.turn(text))
        self.screen.paper.line(self.chat.status, "faint")

    def _steer(self, text: str) -> None:
        """Takes a line during a turn: for the model, or a command for afterwards."""
        if text.startswith("/"):
            self.later.append(text)
        else:
            self.chat.steer(text)

    def _work(self, work: Callable[[], None]) -> None:
        self.screen.during(
            work,
            stop=self.chat.stop,
            steer=self._steer,
            show=lambda: self._unfold(""),
        )
        if self.place.terminated:
            raise KeyboardInterrupt

    def _slash(self, line: str) -> Leave | None:
        try:
            command, args = parse(line)
            if not command.asks_model:
                return self._came(command.act(self.acts, args))
            found: list[Any] = []
            self._work(lambda: found.append(command.act(self.acts, args)))
            return self._came(*found)
        except SpecmillError as error:
            self.screen.error(error)
            return None

    def _came(self, outcome: Any) -> Leave | None:
        paper = self.screen.paper
        match outcome:
            case Text(text, is_diff=True):
                paper.diff(text, "git diff")
            case Text(text):
                paper.block(text)
            case ShowCall(number):
                self._unfold(number)
            case Program(argv):
                with self.screen.lent():
                    run_program(self.chat, argv, color=self.place.session.color)
            case Leave():
                return outcome
        return None

    def _unfold(self, number: str) -> None:
        try:
            print_call(self.screen.paper, self.acts, number)
        except SpecmillError as error:
            self.screen.error(error)


def talk_piped(place: Place, pipe: Pipe, lines: TextIO, resume: str) -> int:
    """Takes each line for a message; returns 0, or the code of the last failure."""
    with place.kept(resume) as kept:
        chat = Chat(place.workspace, place.settings, kept, pipe, place.model_of)
        acts = Acts(chat)
        try:
            for line in lines:
                if not line.strip():
                    continue
                place.resumable(kept)
                if _piped(place, chat, acts, pipe, line.strip()):
                    break
        finally:
            chat.close()
    place.session.resume_hint = ""
    return pipe.failure.exit_code if pipe.failure else 0


def _piped(place: Place, chat: Chat, acts: Acts, pipe: Pipe, line: str) -> bool:
    """Whether it was the last line."""
    if not line.startswith("/"):
        _interruptible(chat, line)
        pipe.end()
        pipe.notice(chat.status)
        return False
    try:
        command, args = parse(line)
        match command.act(acts, args):
            case Text(text):
                pipe.text(f"{text}\n")
            case ShowCall(number):
                pipe.text(f"{acts.show(number).result}\n")
            case Program(argv):
                run_program(chat, argv, color=place.session.color)
            case Leave():
                return True
    except SpecmillError as error:
        pipe.failed(error)
    return False


def _interruptible(chat: Chat, line: str) -> None:
    """A turn in a thread of its own, so that an interrupt finds the conversation whole."""
    thread = threading.Thread(target=chat.turn, args=(line,), name="turn")
    thread.start()
    try:
        thread.join()
    except KeyboardInterrupt:
        chat.stop()
        thread.join()
        raise


def run_program(chat: Chat, argv: tuple[str, ...], *, color: bool) -> None:
    """Runs a command of specmill here and now; the model reads what it printed, too."""
    root = click.get_current_context().find_root().command
    options = () if color else ("--no-color",)
    tee = _Tee(sys.stdout)
    with redirect_stdout(tee):
        try:
            root.main([*options, *argv], prog_name="specmill")
        except SystemExit as ended:
            tee.kept.append(f"\n[exit code {ended.code or 0}]")
    chat.share(f"specmill {' '.join(argv)}", _STYLED.sub("", "".join(tee.kept)))


class _Tee:
    """Standard output that is also kept."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self.kept: list[str] = []

    def write(self, text: str) -> int:
        """Writes, and keeps."""
        self.kept.append(text)
        return self._out.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._out, name)


def print_call(paper: Paper, acts: Acts, number: str) -> None:
    """Unfolds a call: all of its input, all of its result."""
    shown = acts.show(number)
    paper.line(f"{shown.number} {shown.call.name}", "name")
    for key, value in shown.call.input.items():
        text = value if isinstance(value, str) else repr(value)
        paper.block(f"{key}: {text}" if "\n" not in text else f"{key}:\n{text}")
    paper.line("failed:" if shown.is_error else "result:", "bad" if shown.is_error else "faint")
    paper.block(shown.result)


def known_names(workspace: Workspace) -> tuple[dict[str, str], Any, Any]:
    """What a prompt completes: commands with what they do, specs, files."""
    commands = {name: command.help for name, command in COMMANDS.items()}
    return commands, lambda: specs_by_name(workspace), lambda: files_to_mention(workspace)
