"""The chat at a terminal: prompts between turns; during one, output above and keys below.

The turn runs in a thread of its own. All that is printed is printed by the main thread, in order,
and waits while the person types or is asked.
"""

from __future__ import annotations

import queue
import termios
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from prompt_toolkit.input import Input, create_input
from rich.console import Console

from agent.terminal.chat_keys import Draft, Keyboard, with_meta
from agent.terminal.chat_paper import Paper
from agent.terminal.chat_prompt import PROMPT, Known, Prompt, Typed
from agent.terminal.errors import print_error
from tools.errors import SpecmillError
from tools.findings import Finding

_QUIET = ("read", "ask")
"""Effects of calls that are not announced: they are over at once."""
_ANSWERS = {"y": "yes", "yes": "yes", "n": "no", "no": "no", "a": "always", "always": "always"}


@dataclass
class _Question:
    """Something that the turn waits for.

    Args:
        show: prints it.
        label: stands before what is typed.
        accept: gives the answer for what was typed, or ``None`` if that is none.
        answers: where the answer goes.
    """

    show: Callable[[], None]
    label: str
    accept: Callable[[str], tuple[str, str] | None]
    answers: queue.Queue[tuple[str, str]] = field(default_factory=lambda: queue.Queue(1))


def make_screen(console: Console, known: Known, history: Path, *, color: bool) -> Screen:
    """A screen at the terminal that this program was started from.

    Args:
        console: where to.
        known: what can be completed.
        history: the file of what was typed before.
        color: whether colour may be used.
    """
    keys = create_input()
    return Screen(Paper(console), Prompt(known, history, color=color, input=keys), keys)


class Screen:
    """The terminal of a chat; see :class:`agent.chat_front.Front` for what the engine calls.

    Args:
        paper: prints.
        prompt: asks for messages.
        input: the terminal, as keys.
    """

    present = True

    def __init__(self, paper: Paper, prompt: Prompt, input: Input) -> None:  # noqa: A002
        self.paper = paper
        self._prompt = prompt
        self._input = input
        self._keyboard = Keyboard(input, self._raw)
        self._draft = Draft()
        self._events: deque[Callable[[], None]] = deque()
        self._question: _Question | None = None
        self._stopping = threading.Event()
        self._thinks = False

    def read(self) -> Typed:
        """Waits for a message."""
        self.paper.end()
        return self._prompt.read(self._draft.take())

    def keep(self, draft: str) -> None:
        """Has the next prompt begin with this."""
        self._draft.text = draft

    @contextmanager
    def held(self) -> Iterator[None]:
        """Holds the terminal: what is typed at any moment shows up only where it belongs."""
        with self._input.raw_mode():
            yield
        self._keyboard.close()

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Has Ctrl-C interrupt what runs; what is typed meanwhile waits for the next prompt."""
        self.paper.end()
        terminal = self._input.fileno()
        before = termios.tcgetattr(terminal)
        lent = termios.tcgetattr(terminal)
        lent[3] |= termios.ISIG
        termios.tcsetattr(terminal, termios.TCSANOW, lent)
        try:
            yield
        finally:
            termios.tcsetattr(terminal, termios.TCSANOW, before)

    # What the engine calls, from the thread of the turn.

    def text(self, piece: str) -> None:
        """A piece of an answer."""
        self._thinks = False
        self._post(lambda: self.paper.text(piece))

    def thinking(self) -> None:
        """The model thinks; said once, not shown."""
        if not self._thinks:
            self._thinks = True
            self._post(lambda: self.paper.line("thinking ...", "faint"))

    def again(self, why: str) -> None:
        """What came of the answer is void."""
        self._post(lambda: self.paper.line(f"(again: {why})", "warning"))

    def calling(self, number: int, line: str, effect: str, preview: str) -> None:
        """A call begins; a change is shown before it is made."""
        self._thinks = False
        if effect not in _QUIET:
            self._post(lambda: self.paper.calling(number, line))
        if preview:
            self._post(lambda: self.paper.diff(preview, f"/show {number}"))

    def called(self, number: int, line: str, came_to: str, effect: str, *, ok: bool) -> None:
        """A call has ended."""
        del effect
        self._post(lambda: self.paper.called(number, line, came_to, ok=ok))

    def notice(self, text: str) -> None:
        """Something that is good to know."""
        self._post(lambda: self.paper.line(text, "note"))

    def failed(self, error: SpecmillError) -> None:
        """Something went wrong that the person can act on."""
        self._post(lambda: self.error(error))

    def approve(self, line: str, preview: str, why: str, *, can_always: bool) -> tuple[str, str]:
        """Asks whether a call may run; typing anything else than an answer is a reason against."""
        choices = "y, n, a (always), or why not" if can_always else "y, n, or why not"

        def show() -> None:
            self.paper.line(f"Run {line}?  ({why})", "question")
            if preview:
                self.paper.block(preview)

        def accept(typed: str) -> tuple[str, str] | None:
            answer = _ANSWERS.get(typed.strip().lower(), "")
            if answer == "always" and not can_always:
                return None
            return (answer, "") if answer else (("no", typed.strip()) if typed.strip() else None)

        return self._asked(_Question(show, f"[{choices}] ", accept))

    def ask(self, question: str, choices: Sequence[str]) -> str:
        """Puts a question of the model; a number chooses, anything else is the answer itself."""

        def show() -> None:
            self.paper.line(question, "question")
            for number, choice in enumerate(choices, 1):
                self.paper.line(f"{number}  {choice}", indent=2)

        def accept(typed: str) -> tuple[str, str] | None:
            text = typed.strip()
            if text.isdecimal() and 1 <= int(text) <= len(choices):
                return ("yes", choices[int(text) - 1])
            return ("yes", text) if text else None

        return self._asked(_Question(show, "[answer] ", accept))[1]

    # What the command calls, from the main thread.

    def error(self, error: SpecmillError) -> None:
        """Prints what went wrong."""
        self.paper.end()
        findings: Sequence[Finding] = getattr(error, "findings", ())
        print_error(self.paper.console, error.message, error.remedy, findings)

    def during(
        self,
        work: Callable[[], None],
        *,
        stop: Callable[[], None],
        steer: Callable[[str], None],
        show: Callable[[], None],
    ) -> None:
        """Works in a thread, and meanwhile prints what happens and takes what is typed.

        Args:
            work: what is done.
            stop: ends it; called on Esc and Ctrl-C.
            steer: takes a line that was typed meanwhile.
            show: unfolds the last call.

        Raises:
            BaseException: what ``work`` raised.
        """
        failures: list[BaseException] = []
        over = threading.Event()
        self._stopping.clear()

        def body() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - raised again by the main thread
                failures.append(error)
            over.set()
            self._keyboard.wake()

        thread = threading.Thread(target=body, name="turn")
        try:
            with self._keyboard.raw():
                thread.start()
                while not over.is_set():
                    try:
                        self._keys(stop, steer, show)
                        self._print()
                    except KeyboardInterrupt:  # from outside: as a key it does not come as one
                        self._stop(stop)
        finally:
            if thread.is_alive():
                self._stop(stop)
            thread.join()
        self._finish()
        if failures:
            raise failures[0]

    def _post(self, event: Callable[[], None]) -> None:
        self._events.append(event)
        self._keyboard.wake()

    def _asked(self, question: _Question) -> tuple[str, str]:
        self._post(lambda: self._pose(question))
        while not self._stopping.is_set():
            try:
                return question.answers.get(timeout=0.05)
            except queue.Empty:
                continue
        return ("no", "")

    def _pose(self, question: _Question) -> None:
        if self._stopping.is_set():
            return
        self.paper.end()
        question.show()
        self._question = question
        self._draw()

    def _keys(
        self, stop: Callable[[], None], steer: Callable[[str], None], show: Callable[[], None]
    ) -> None:
        for key, meta in with_meta(self._keyboard.wait()):
            before = bool(self._draft.text)
            match self._draft.press(key, meta=meta):
                case "sent":
                    self._sent(steer)
                case "stop":
                    self._stop(stop)
                case "show" if not self._busy:
                    show()
                case "edited":
                    if not before and not self._question:
                        self.paper.end()
                    self._draw()

    def _sent(self, steer: Callable[[str], None]) -> None:
        if self._question:
            answer = self._question.accept(self._draft.text)
            if answer:
                self._settle(self._draft.take())
                self._question.answers.put(answer)
                self._question = None
        elif self._draft.text.strip():
            text = self._draft.take()
            self._settle(text)
            steer(text)

    def _stop(self, stop: Callable[[], None]) -> None:
        stop()
        self._stopping.set()  # after that, so that who waits for an answer knows why there is none
        if self._question:
            self._settle(self._draft.take())
            self._question = None

    @property
    def _busy(self) -> bool:
        """Whether the last line is the person's."""
        return bool(self._question or self._draft.text)

    def _print(self) -> None:
        while self._events and not self._busy:
            self._events.popleft()()

    def _finish(self) -> None:
        """After the work: nothing waits any more; what is half typed goes into the next prompt."""
        if self._question or self._draft.text:
            self._wipe()
        self._question = None
        while self._events:
            self._events.popleft()()
        self.paper.end()

    def _label(self) -> str:
        return self._question.label if self._question else PROMPT

    def _draw(self) -> None:
        label = self._label()
        if not self._busy:
            self._wipe()
        else:
            shown = self._draft.shown(self.paper.width - len(label) - 1)
            self._raw(f"\r\x1b[K{label}{shown}")

    def _wipe(self) -> None:
        self._raw("\r\x1b[K")

    def _settle(self, text: str) -> None:
        """The line is done with and stays on the screen, whole."""
        label = self._label()
        self._wipe()
        self.paper.block("\n".join(f"{label}{line}" for line in text.split("\n")))

    def _raw(self, text: str) -> None:
        self.paper.console.file.write(text)
        self.paper.console.file.flush()
