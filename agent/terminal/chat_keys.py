"""What is typed while a turn runs: one line at the bottom, drawn only while it is not empty.

Output waits until the line is sent or emptied, so that nothing is ever drawn over anything else.
"""

from __future__ import annotations

import os
import selectors
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from prompt_toolkit.input import Input
from prompt_toolkit.keys import Keys
from prompt_toolkit.utils import get_cwidth

if TYPE_CHECKING:
    from prompt_toolkit.key_binding import KeyPress

_ESCAPE_SECONDS = 0.1
"""After this long, an escape is the key of that name and not the beginning of another."""

_PASTES, _NO_PASTES = "\x1b[?2004h", "\x1b[?2004l"
"""Has the terminal say what is pasted, so that a line end in it does not send it."""

Press = Literal["sent", "stop", "show", "edited", ""]


@dataclass
class Draft:
    """A line that is being typed, or several."""

    text: str = ""

    def press(self, key: KeyPress, *, meta: bool = False) -> Press:
        """Takes a key; ``meta`` if an escape came right before it."""
        if key.key in (Keys.ControlM, Keys.ControlJ):
            if not meta and not self.text.endswith("\\"):
                return "sent"
            self.text = self.text.removesuffix("\\") + "\n"
        elif key.key in (Keys.ControlC, Keys.Escape, Keys.SIGINT):
            return "stop"
        elif key.key == Keys.ControlO:
            return "show"
        elif key.key == Keys.BracketedPaste:
            self.text += key.data.replace("\r\n", "\n").replace("\r", "\n")
        elif key.key in (Keys.ControlH, Keys.Delete):
            self.text = self.text[:-1]
        elif key.key == Keys.ControlU:
            self.text = ""
        elif key.key == Keys.ControlW:
            words = self.text.rstrip()
            self.text = words[: max(words.rfind(" "), words.rfind("\n")) + 1]
        elif not meta and not isinstance(key.key, Keys) and key.key.isprintable():
            self.text += key.key
        else:
            return ""
        return "edited"

    def shown(self, width: int) -> str:
        """The end of it, as much as fits on a line."""
        flat = self.text.replace("\n", " / ")
        while get_cwidth(flat) > width:
            flat = flat[1:]
        return flat

    def take(self) -> str:
        """The text; the draft is empty then."""
        text, self.text = self.text, ""
        return text


@dataclass
class Keyboard:
    """Reads keys while something else goes on.

    Args:
        input: the terminal.
        say: writes to the terminal.
    """

    input: Input
    say: Callable[[str], None]
    _wake: tuple[int, int] = field(default_factory=os.pipe)
    _escape_at: float = 0.0

    def wake(self) -> None:
        """Has ``wait`` come back; may be called from any thread."""
        os.write(self._wake[1], b".")

    def close(self) -> None:
        """Lets go of what it holds."""
        for descriptor in self._wake:
            os.close(descriptor)

    @contextmanager
    def raw(self) -> Iterator[None]:
        """Has keys come one by one, unseen, Ctrl-C among them."""
        with self.input.raw_mode():
            self.say(_PASTES)
            try:
                yield
            finally:
                self.say(_NO_PASTES)

    def wait(self) -> list[KeyPress]:
        """Keys that were pressed, as soon as there are some, or ``wake`` was called."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._wake[0], selectors.EVENT_READ)
            if not self.input.closed:
                selector.register(self.input.fileno(), selectors.EVENT_READ)
            left = self._escape_at - time.monotonic() if self._escape_at else None
            ready = [key.fd for key, _ in selector.select(left and max(left, 0))]
        if self._wake[0] in ready:
            os.read(self._wake[0], 65536)
        if self.input.fileno() in ready:
            self._escape_at = time.monotonic() + _ESCAPE_SECONDS
            return self.input.read_keys()
        if self._escape_at and time.monotonic() >= self._escape_at:
            self._escape_at = 0.0
            return self.input.flush_keys()
        return []


def with_meta(keys: list[KeyPress]) -> Iterator[tuple[KeyPress, bool]]:
    """Keys, each with whether an escape came right before it, which is then not a key itself."""
    meta = False
    for number, key in enumerate(keys):
        if key.key == Keys.Escape and number + 1 < len(keys):
            meta = True
            continue
        yield key, meta
        meta = False
