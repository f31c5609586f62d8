"""What a person does in a chat beside talking: undo, cost, mode, export, ...

Each gives what is to be shown, and raises ``SpecmillError`` where it cannot be done.
"""

from __future__ import annotations

from dataclasses import replace

from agent.chat import MODES, Chat
from agent.chat_lines import Shown, context_text, cost_text
from agent.checkpoints import Moved
from agent.model.base import Cancelled
from agent.sessions import find_session, list_sessions
from agent.transcript import to_markdown
from tools.errors import UsageError
from tools.workspace import write_atomic


class Acts:
    """See the module.

    Args:
        chat: on which.
    """

    def __init__(self, chat: Chat) -> None:
        self.chat = chat

    def undo(self, *, force: bool = False) -> str:
        """Takes back what the last turn that wrote did to the files."""
        return self._moved("took back", self.chat.points.undo(force=force))

    def redo(self, *, force: bool = False) -> str:
        """Does again what was last undone."""
        return self._moved("did again", self.chat.points.redo(force=force))

    def diff(self, *, last: bool = False) -> str:
        """What became of the files that the session changed."""
        return self.chat.points.diff(last=last) or "no file was changed in this session"

    def cost(self) -> str:
        """What the session has used."""
        return cost_text(self.chat.spent)

    def context(self) -> str:
        """What fills the model's context."""
        return context_text(
            self.chat.bench.system,
            self.chat.bench.toolbox.definitions(),
            self.chat.session.talk.messages,
            self.chat.spent.context,
            self.chat.model.context_window,
        )

    def compact(self) -> str:
        """Makes the conversation shorter now."""
        self.chat.cancel.clear()
        before = len(self.chat.session.talk.messages)
        if before < 2:
            raise UsageError("there is nothing to compact yet")
        self.chat.compactor.row = 0  # the person asks for it
        try:
            self.chat.shorten(())
        except Cancelled:
            return "stopped; the conversation is as it was"
        self.chat.keep()
        after = len(self.chat.session.talk.messages)
        return f"{before} messages became {after}; plans and decisions stay"

    def set_model(self, name: str) -> str:
        """Chooses the model that answers from now on."""
        if name:
            settings = replace(self.chat.settings, model=name)
            self.chat.model, self.chat.settings = self.chat.model_of(settings), settings
            self.chat.session.note(model=name)
        return f"model {self.chat.model.name}"

    def set_mode(self, name: str) -> str:
        """Chooses what may be done unasked from now on."""
        if name and name not in MODES:
            raise UsageError(f"there is no mode {name}", f"there are {', '.join(MODES)}")
        if name:
            self.chat.mode = name
            self.chat.bench.permissions.mode = name  # type: ignore[assignment]  # checked above
            self.chat.session.note(mode=name)
        return f"mode {self.chat.mode}"

    def show(self, number: str) -> Shown:
        """A call with its whole result; the last one without a number."""
        try:
            return self.chat.calls[-1] if not number else self.chat.calls[_index(number)]
        except (IndexError, ValueError) as error:
            count = len(self.chat.calls)
            hint = f"calls are numbered 1 to {count}" if count else "no tool was called yet"
            raise UsageError(f"there is no call {number}".rstrip(), hint) from error

    def sessions(self) -> str:
        """The sessions that can be resumed."""
        rows = [
            f"{'*' if record.id == self.chat.session.id else ' '} {record.id:<12} {record.title}"
            for record in list_sessions(self.chat.workspace)[:20]
        ]
        return "\n".join(rows) or "no session is kept yet"

    def find_session(self, name: str) -> str:
        """The id of another session.

        Raises:
            UsageError: none, several, or this one are meant.
        """
        found = find_session(self.chat.workspace, name)
        if found == self.chat.session.id:
            raise UsageError(f"{found} is the session that you are in")
        return found

    def export(self, file: str) -> str:
        """Writes the conversation as markdown."""
        name = file or f"chat-{self.chat.session.id}.md"
        if (self.chat.workspace.root / name).exists():
            raise UsageError(f"{name} is there already", "name another file: /export FILE")
        text = to_markdown(self.chat.session.talk.messages, title=self.chat.session.title or "Chat")
        write_atomic(self.chat.workspace.root, name, text)
        return f"wrote {name}"

    def _moved(self, verb: str, moved: Moved) -> str:
        files = ", ".join(moved.paths) or "nothing was left to do"
        self.chat.note(
            f"The person {verb} the changes for {moved.label!r}. Files changed: {files}."
        )
        lines = [f"{verb} the changes for: {moved.label}", *(f"  {path}" for path in moved.paths)]
        lines += [f"  not kept: {path} ({why})" for path, why in moved.skipped.items()]
        return "\n".join(lines)


def _index(number: str) -> int:
    if int(number) < 1:
        raise ValueError
    return int(number) - 1
