"""Where the person of a chat sits, as the engine sees it."""

from __future__ import annotations

from typing import Protocol

from tools.errors import SpecmillError


class Front(Protocol):
    """Where a person sits. All is called from the thread of the turn."""

    present: bool
    """Whether somebody is there to be asked."""

    def text(self, piece: str) -> None:
        """A piece of an answer."""

    def thinking(self) -> None:
        """The model thinks."""

    def again(self, why: str) -> None:
        """What came of the answer is void; it begins again."""

    def calling(self, number: int, line: str, effect: str, preview: str) -> None:
        """A call begins; ``preview`` is the change that it makes, as a diff, if it makes one."""

    def called(self, number: int, line: str, came_to: str, effect: str, *, ok: bool) -> None:
        """A call has ended."""

    def notice(self, text: str) -> None:
        """Something that is good to know."""

    def failed(self, error: SpecmillError) -> None:
        """Something went wrong that the person can act on."""

    def approve(self, line: str, preview: str, why: str, *, can_always: bool) -> tuple[str, str]:
        """Asks whether a call may run: ``yes``, ``no`` or ``always``, and a reason.

        A change was shown when the call began; ``preview`` is what else would run.
        """
        ...

    def ask(self, question: str, choices: tuple[str, ...]) -> str:
        """Puts a question of the model."""
        ...
