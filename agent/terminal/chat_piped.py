"""The chat without a terminal: each line of the input is a message; nobody is asked anything.

Answers go to stdout, everything else to stderr.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TextIO

from rich.console import Console

from agent.terminal.chat_paper import clean
from agent.terminal.console import sign
from agent.terminal.errors import print_error
from tools.errors import SpecmillError


class Pipe:
    """Prints plainly; see :class:`agent.chat_front.Front`.

    Args:
        out: answers.
        err: the rest.
    """

    present = False

    def __init__(self, out: TextIO, err: Console) -> None:
        self._out, self._err = out, err
        self._open = False
        self.failure: SpecmillError | None = None

    def text(self, piece: str) -> None:
        """A piece of an answer."""
        shown = clean(piece).encode(self._out.encoding or "utf-8", "replace")
        self._out.write(shown.decode(self._out.encoding or "utf-8"))
        self._out.flush()
        self._open = not piece.endswith("\n")

    def end(self) -> None:
        """Ends the answer's last line."""
        if self._open:
            self._out.write("\n")
            self._out.flush()
            self._open = False

    def thinking(self) -> None:
        """Nothing to show."""

    def again(self, why: str) -> None:
        """What came of the answer is void."""
        self.notice(f"(again: {why})")

    def calling(self, number: int, line: str, effect: str, preview: str) -> None:
        """Only what came of a call is said."""

    def called(self, number: int, line: str, came_to: str, effect: str, *, ok: bool) -> None:
        """A call has ended."""
        del effect
        self.notice(f"{number:>4} {sign(self._err, ok=ok)} {line}  {came_to}")

    def notice(self, text: str) -> None:
        """Something that is good to know."""
        self.end()
        self._err.print(clean(text), soft_wrap=True)

    def failed(self, error: SpecmillError) -> None:
        """Something went wrong; the last failure decides the exit code."""
        self.end()
        self.failure = error
        print_error(self._err, error.message, error.remedy)

    def approve(self, line: str, preview: str, why: str, *, can_always: bool) -> tuple[str, str]:
        """Never called: nobody is here."""
        del line, preview, why, can_always
        return "no", "nobody is here to be asked"

    def ask(self, question: str, choices: Sequence[str]) -> str:
        """Never called: nobody is here."""
        del question, choices
        return ""


def piped_lines(read: Callable[[], str] = sys.stdin.readline) -> list[str]:
    """The messages of the input: its lines that are not blank."""
    found = []
    while line := read():
        if line.strip():
            found.append(line.rstrip("\n"))
    return found
