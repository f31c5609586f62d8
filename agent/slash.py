"""The ``/`` commands of the chat: one table; the help is made from it."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from tools.errors import UsageError
from tools.spec.suggest import did_you_mean


class Acts(Protocol):
    """What can be done in a chat beside talking. Each gives what is to be shown."""

    def undo(self, *, force: bool = False) -> str:
        """See the table."""
        ...

    def redo(self, *, force: bool = False) -> str:
        """See the table."""
        ...

    def diff(self, *, last: bool = False) -> str:
        """See the table."""
        ...

    def cost(self) -> str:
        """See the table."""
        ...

    def context(self) -> str:
        """See the table."""
        ...

    def compact(self) -> str:
        """See the table."""
        ...

    def set_model(self, name: str) -> str:
        """See the table."""
        ...

    def set_mode(self, name: str) -> str:
        """See the table."""
        ...

    def export(self, file: str) -> str:
        """See the table."""
        ...

    def sessions(self) -> str:
        """The sessions that can be resumed."""
        ...

    def find_session(self, name: str) -> str:
        """The id of a session; raises UsageError where none or several are meant."""
        ...


@dataclass(frozen=True)
class Text:
    """Something to show; a diff is coloured."""

    text: str
    is_diff: bool = False


@dataclass(frozen=True)
class Program:
    """A command of specmill to run, at the terminal, by the words of its call."""

    argv: tuple[str, ...]


@dataclass(frozen=True)
class ShowCall:
    """A call to unfold, by its number; the last one without."""

    number: str


@dataclass(frozen=True)
class Leave:
    """The end of this session; ``resume`` names the one to go on with, if any."""

    resume: str = ""


Outcome = Text | Program | ShowCall | Leave
_Act = Callable[[Acts, Sequence[str]], Outcome]


@dataclass(frozen=True)
class Slash:
    """A ``/`` command.

    Args:
        name: without the slash.
        usage: its arguments; those in brackets may be left out.
        help: what it does, in one line.
        act: does it.
        asks_model: whether it takes as long as a turn, and can be stopped like one.
    """

    name: str
    usage: str
    help: str
    act: _Act
    asks_model: bool = False

    @property
    def most(self) -> int:
        """How many arguments it takes at most."""
        return 99 if "..." in self.usage else len(self.usage.split())

    @property
    def least(self) -> int:
        """How many arguments it needs."""
        return sum(not word.startswith("[") for word in self.usage.split())


def _first(args: Sequence[str]) -> str:
    return args[0] if args else ""


def _flag(args: Sequence[str], word: str) -> bool:
    if args and args[0] != word:
        raise UsageError(f"{args[0]} is not known here", f"only {word} is")
    return bool(args)


def _program(name: str) -> _Act:
    return lambda _, args: Program((name, *args))


def _resume(acts: Acts, args: Sequence[str]) -> Outcome:
    return Leave(acts.find_session(args[0])) if args else Text(acts.sessions())


COMMANDS: dict[str, Slash] = {
    command.name: command
    for command in (
        Slash("help", "", "These commands and the keys.", lambda *_: Text(help_text())),
        Slash("plan", "SPEC", "What a spec would become, and why.", _program("plan")),
        Slash("check", "[SPEC...]", "Check specs, constitution, workflows.", _program("check")),
        Slash("run", "SPEC...", "Take specs to a tested branch.", _program("run")),
        Slash("verify", "[SPEC...]", "Check the generated code here.", _program("verify")),
        Slash(
            "diff",
            "[last]",
            "What this session changed, or its last turn.",
            lambda acts, args: Text(acts.diff(last=_flag(args, "last")), is_diff=True),
        ),
        Slash(
            "undo",
            "[force]",
            "Put files back as before the last change.",
            lambda acts, args: Text(acts.undo(force=_flag(args, "force"))),
        ),
        Slash(
            "redo",
            "[force]",
            "Do again what was undone.",
            lambda acts, args: Text(acts.redo(force=_flag(args, "force"))),
        ),
        Slash("show", "[N]", "A call and its whole result.", lambda _, a: ShowCall(_first(a))),
        Slash("cost", "", "Tokens, money and time so far.", lambda acts, _: Text(acts.cost())),
        Slash(
            "context", "", "What fills the model's context.", lambda acts, _: Text(acts.context())
        ),
        Slash(
            "compact",
            "",
            "Make the conversation shorter.",
            lambda acts, _: Text(acts.compact()),
            asks_model=True,
        ),
        Slash(
            "model",
            "[NAME]",
            "Which model answers; choose another.",
            lambda acts, args: Text(acts.set_model(_first(args))),
        ),
        Slash(
            "mode",
            "[plan|ask|edit|auto]",
            "What is done unasked; see specmill chat --help.",
            lambda acts, args: Text(acts.set_mode(_first(args))),
        ),
        Slash("resume", "[ID]", "Go on with another session, or list them.", _resume),
        Slash(
            "export",
            "[FILE]",
            "Write the conversation as markdown.",
            lambda acts, args: Text(acts.export(_first(args))),
        ),
        Slash("quit", "", "Leave; the session is kept.", lambda *_: Leave()),
    )
}

KEYS = (
    ("Enter", "send; while the model works, before its next step"),
    ("Alt-Enter, \\ Enter", "a new line"),
    ("Esc, Ctrl-C", "stop the model at once; Ctrl-C twice leaves"),
    ("Ctrl-O", "unfold the last call"),
    ("@file, @spec", "send a file or a spec along; Tab completes"),
)


def help_text() -> str:
    """All commands, then the keys."""
    rows = [(f"/{c.name} {c.usage}".rstrip(), c.help) for c in COMMANDS.values()]
    return "\n".join([*_columns(rows), "", *_columns(KEYS)])


def _columns(rows: Sequence[tuple[str, str]]) -> list[str]:
    width = max(len(left) for left, _ in rows)
    return [f"{left:<{width}}  {right}" for left, right in rows]


def parse(line: str) -> tuple[Slash, tuple[str, ...]]:
    """The command of a line that begins with a slash, and its arguments.

    Raises:
        UsageError: there is none of that name, or its arguments are wrong.
    """
    try:
        words = shlex.split(line.removeprefix("/"))
    except ValueError as error:
        raise UsageError(f"{line}: {error}".lower(), "close the quotation") from error
    name, *args = words or [""]
    command = COMMANDS.get(name)
    if command is None:
        raise UsageError(f"there is no command /{name}", did_you_mean(name, list(COMMANDS)))
    if not command.least <= len(args) <= command.most:
        usage = f"/{name} {command.usage}".rstrip()
        raise UsageError(f"/{name} does not take that", f"its form is: {usage}")
    return command, tuple(args)
