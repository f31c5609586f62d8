"""Sessions of the chat on disk: a journal that is only appended to, one JSON object a line.

An entry holds what is new: the messages from some number on, or what else changed. It is on disk
before the conversation goes on. A line that a power cut or a full disk tore is skipped, and what
comes after it starts on a line of its own: at worst, the last entry is lost.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from agent.model.base import Message
from agent.runs import meant
from agent.talk import Conversation
from agent.trace import read_trace
from tools.errors import ProgramMissing, UsageError
from tools.workspace import Workspace, held, shown
from tools.workspace_write import refused

JOURNAL = "journal.jsonl"
_LOCK = "lock"
_TITLE = 60


@dataclass(frozen=True)
class SessionRecord:
    """A session as a list shows it.

    Args:
        id: its name.
        began: ISO 8601.
        used: seconds since the epoch when it was last written.
        title: the beginning of the first request.
        messages: how many there are.
    """

    id: str
    began: str
    used: float
    title: str
    messages: int


@dataclass
class Session:
    """An open session; nobody else can open it meanwhile.

    Args:
        id: its name.
        folder: its folder.
        talk: the conversation; replace it as a whole, or let it grow, then ``save``.
        facts: what else is to be kept: mode, model, tokens, ...
    """

    id: str
    folder: Path
    talk: Conversation
    facts: dict[str, Any]
    _saved: list[Message] = field(default_factory=list, repr=False)
    _torn: bool = False

    @property
    def title(self) -> str:
        """The beginning of the first request."""
        return _title(self.talk.to_json())

    def save(self) -> None:
        """Keeps what is new in the conversation.

        Raises:
            ProgramMissing: the disk or its permissions refuse.
        """
        now = self.talk.to_json()
        same = 0
        for old, new in zip(self._saved, now, strict=False):
            if old is not new:
                break
            same += 1
        if same < len(now) or same < len(self._saved):
            self._append({"from": same, "messages": now[same:]})
            self._saved = now

    def note(self, **facts: Any) -> None:
        """Keeps facts, where they differ from what is known.

        Raises:
            ProgramMissing: the disk or its permissions refuse.
        """
        new = {key: value for key, value in facts.items() if self.facts.get(key) != value}
        if new:
            self._append({"facts": new})
            self.facts |= new

    def _append(self, entry: dict[str, Any]) -> None:
        text = json.dumps(entry, ensure_ascii=False, separators=(",", ":")) + "\n"
        data = text.encode("utf-8", "surrogatepass")
        path = self.folder / JOURNAL
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                rest = b"\n" + data if self._torn else data
                self._torn = True
                while rest:
                    rest = rest[os.write(descriptor, rest) :]
                os.fsync(descriptor)
                self._torn = False
            finally:
                os.close(descriptor)
        except OSError as error:
            raise refused(shown(path), error, "write") from error


@contextmanager
def new_session(workspace: Workspace, now: datetime) -> Iterator[Session]:
    """A session that begins; its folder goes again if nothing is ever said in it."""
    top = _folder(workspace)
    top.mkdir(parents=True, exist_ok=True)
    stem, number = f"{now:%m%d-%H%M}", 1
    while True:
        name = stem if number == 1 else f"{stem}-{number}"
        try:
            (top / name).mkdir()
        except FileExistsError:
            number += 1
        else:
            break
    with _held(top / name):
        session = Session(name, top / name, Conversation(), {})
        session.note(began=now.isoformat(timespec="seconds"))
        try:
            yield session
        finally:
            if not session.talk.messages:
                _remove(session.folder)


@contextmanager
def open_session(workspace: Workspace, name: str) -> Iterator[Session]:
    """A session that is gone on with.

    Args:
        workspace: whose.
        name: its id, the only one it begins, or ``last``.

    Raises:
        UsageError: no session or several are meant.
        ProgramMissing: another process has it open.
    """
    folder = _folder(workspace) / find_session(workspace, name)
    with _held(folder):
        messages, facts = _read(folder)
        talk = Conversation.from_json(messages)
        yield Session(folder.name, folder, talk, facts, _saved=messages, _torn=_is_torn(folder))


def list_sessions(workspace: Workspace) -> tuple[SessionRecord, ...]:
    """The sessions in which something was said, the last used first."""
    top = _folder(workspace)
    names = [path.name for path in top.iterdir()] if top.is_dir() else []
    records = [_record(top / name) for name in names if (top / name / JOURNAL).is_file()]
    said = [record for record in records if record.messages]
    return tuple(sorted(said, key=lambda r: (r.used, r.id), reverse=True))


def find_session(workspace: Workspace, name: str) -> str:
    """The id that a person means.

    Raises:
        UsageError: no session or several are meant.
    """
    known = [record.id for record in list_sessions(workspace)]
    session = meant(name, known)
    if session:
        return session
    if not known:
        raise UsageError("there is no session to resume here", "begin one: specmill chat")
    raise UsageError(f"there is no session {name} here", f"there are {', '.join(known[:5])}")


def knows(workspace: Workspace, name: str) -> bool:
    """Whether there is a session of exactly that name, with anything in it or not."""
    return (_folder(workspace) / name).is_dir()


def _folder(workspace: Workspace) -> Path:
    return workspace.state / "sessions"


def _read(folder: Path) -> tuple[list[Message], dict[str, Any]]:
    messages: list[Message] = []
    facts: dict[str, Any] = {}
    for entry in read_trace(folder / JOURNAL):
        start, new, noted = entry.get("from"), entry.get("messages"), entry.get("facts")
        if isinstance(start, int) and isinstance(new, list) and start <= len(messages):
            messages[start:] = new
        if isinstance(noted, dict):
            facts |= noted
    return messages, facts


def _record(folder: Path) -> SessionRecord:
    messages, facts = _read(folder)
    used = (folder / JOURNAL).stat().st_mtime
    return SessionRecord(folder.name, facts.get("began", ""), used, _title(messages), len(messages))


def _title(messages: list[Message]) -> str:
    for message in messages:
        for block in reversed(message["content"]):
            if block["type"] == "text":
                line = " ".join(str(block["text"]).split())
                return line if len(line) <= _TITLE else f"{line[: _TITLE - 3]}..."
    return ""


def _is_torn(folder: Path) -> bool:
    path = folder / JOURNAL
    return path.is_file() and path.stat().st_size > 0 and path.read_bytes()[-1:] != b"\n"


def _remove(folder: Path) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    folder.rmdir()


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """One process at a time has a session open."""

    def busy(content: str) -> ProgramMissing:
        holder = content[:20].strip() or "that has just started"
        return ProgramMissing(
            f"the session {folder.name} is open in another process ({holder})",
            "Go on there, or end it; or begin a new one: specmill chat",
        )

    with held(folder / _LOCK, busy, 0o600) as handle:
        handle.write(f"{os.getpid()}\n")
        handle.flush()
        yield
