"""The prompt of the chat: history, several lines, completion of ``/`` commands, files and specs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion, ThreadedCompleter
from prompt_toolkit.history import FileHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.output.vt100 import Vt100_Output

if TYPE_CHECKING:
    from prompt_toolkit.document import Document
    from prompt_toolkit.input import Input

PROMPT = "> "


@dataclass(frozen=True)
class Typed:
    """What came of a prompt.

    Args:
        kind: ``text``; ``show`` asks for the last call; ``interrupt`` is Ctrl-C on an empty
            line; ``end`` is the end of the input.
        text: what was typed; with ``show``, what is being typed.
    """

    kind: Literal["text", "show", "interrupt", "end"]
    text: str = ""


@dataclass(frozen=True)
class Known:
    """What can be completed.

    Args:
        commands: ``/`` commands with what they do.
        specs: paths of specs by name; asked for when they are needed.
        files: files; likewise.
    """

    commands: Mapping[str, str]
    specs: Callable[[], Mapping[str, str]]
    files: Callable[[], Sequence[str]]


class ChatCompleter(Completer):
    """Completes ``/comm``, ``@spec`` and ``@path/to/fi``; looks files up once a message.

    Args:
        known: what there is.
    """

    def __init__(self, known: Known) -> None:
        self._known = known
        self._names: list[tuple[str, str]] | None = None

    def forget(self) -> None:
        """Files may have changed."""
        self._names = None

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterable[Completion]:
        """See ``Completer``."""
        del complete_event
        before = document.text_before_cursor
        word = before.rpartition("\n")[2].rpartition(" ")[2]
        if before.startswith("/") and word == before:
            for name, told in self._known.commands.items():
                if name.startswith(word[1:]):
                    yield Completion(f"/{name}", -len(word), display_meta=told)
        elif word.startswith("@"):
            for name, told in self._matching(word[1:]):
                yield Completion(f"@{name}", -len(word), display_meta=told)

    def _matching(self, part: str) -> list[tuple[str, str]]:
        if self._names is None:
            specs = self._known.specs()
            self._names = [(name, f"spec {path}") for name, path in specs.items()]
            self._names += [(path, "") for path in self._known.files()]
        small = part.lower()
        found = [(name, told) for name, told in self._names if small in name.lower()]
        return sorted(found, key=lambda pair: not pair[0].lower().startswith(small))[:50]


class Prompt:
    """Asks for messages.

    Args:
        known: what is completed.
        history: the file of what was typed before.
        color: whether colour may be used.
        input: the terminal.
    """

    def __init__(self, known: Known, history: Path, *, color: bool, input: Input) -> None:  # noqa: A002
        history.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(history, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
        self._completer = ChatCompleter(known)
        # The terminal is not asked where its cursor is: a late answer would come as if typed.
        output = Vt100_Output.from_pty(sys.stdout, term=os.environ.get("TERM"))
        output.enable_cpr = False
        self._session: PromptSession[Typed] = PromptSession(
            history=FileHistory(os.fspath(history)),
            completer=ThreadedCompleter(self._completer),
            multiline=True,
            key_bindings=_bindings(),
            prompt_continuation="  ",
            reserve_space_for_menu=6,
            color_depth=None if color else ColorDepth.DEPTH_1_BIT,
            input=input,
            output=output,
        )

    def read(self, draft: str = "") -> Typed:
        """Waits for a message; ``draft`` is what it begins with."""
        self._completer.forget()
        typed = self._session.prompt(PROMPT, default=draft)
        return typed if isinstance(typed, Typed) else Typed("text", str(typed))


def _bindings() -> KeyBindings:
    keys = KeyBindings()

    @keys.add("enter")
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.complete_state and buffer.complete_state.current_completion:
            buffer.complete_state = None
        elif buffer.document.text_before_cursor.endswith("\\"):
            buffer.delete_before_cursor()
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    @keys.add("escape", "enter")
    @keys.add("c-j")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    @keys.add("c-c")
    @keys.add("<sigint>")
    def _(event: KeyPressEvent) -> None:
        if event.current_buffer.text:
            event.current_buffer.reset()
        else:
            event.app.exit(result=Typed("interrupt"))

    @keys.add("c-d")
    def _(event: KeyPressEvent) -> None:
        if event.current_buffer.text:
            event.current_buffer.delete()
        else:
            event.app.exit(result=Typed("end"))

    @keys.add("c-o")
    def _(event: KeyPressEvent) -> None:
        event.app.exit(result=Typed("show", event.current_buffer.text))

    return keys
