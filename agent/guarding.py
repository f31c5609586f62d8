"""A toolbox in which tests stay as they are, however a call tries to change them.

Paths are refused before a call runs. What a call did all the same (through a shell, in the middle
of a file that also holds tests) is taken back before the model hears of it, and it is told why.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from agent.acting import Toolbox
from agent.model.base import Json
from agent.talk import ToolCall
from tools.desk import ToolResult
from tools.repo_changes import changed_since, put_back, text_at
from tools.suites.protected import Protection
from tools.workspace import write_atomic

REFUSED = (
    "refused, and taken back: {what}. The tests are right until a person says otherwise. "
    "Find what is wrong in the code; if a test itself is wrong, say which and why, and stop."
)


@dataclass
class Guard:
    """Keeps the files that a repair may not touch as they were.

    Args:
        top: the top folder of the work tree.
        base: the commit that it began with.
        protection: what may not be touched.
    """

    top: Path
    base: str
    protection: Protection
    _good: dict[str, bytes | None] = field(default_factory=dict, init=False)

    def restore(self) -> dict[str, str]:
        """Takes back what must not be; returns the paths with why."""
        undone = {}
        for path in changed_since(self.top, self.base):
            if why := self._why(path):
                self._put_back(path)
                undone[path] = why
            else:
                self._good[path] = _bytes(self.top / path)
        return undone

    def _why(self, path: str) -> str:
        place = self.top / path
        if why := self.protection.refuses(path):
            return why
        if place.is_symlink():
            return "a repair makes no symbolic links"
        before, now = text_at(self.top, self.base, path), _bytes(place)
        if now == self._good.get(path, b"") and path in self._good:
            return ""
        return self.protection.weakens(
            path, _text(before or b""), None if now is None else _text(now)
        )

    def _put_back(self, path: str) -> None:
        """As it last was when it was all right."""
        good = self._good.get(path)
        put_back(self.top, self.base, path)
        if good is not None:
            write_atomic(self.top, path, _text(good))


@dataclass
class GuardedToolbox(Toolbox):
    """Runs calls of another toolbox, and takes back what a repair may not do.

    Args:
        inner: runs the calls.
        guard: knows what may not be touched.
        seen: what the model knows of each file, see :class:`tools.desk.Desk`; what is taken back
            is as it knew it.
        refused: is told of each path that was taken back, with why.
    """

    inner: Toolbox
    guard: Guard
    seen: dict[str, str] = field(default_factory=dict)
    refused: Callable[[ToolCall, str], None] = lambda _call, _why: None

    def definitions(self) -> tuple[Json, ...]:
        """As the inner one has them."""
        return self.inner.definitions()

    def malformed(self, call: ToolCall) -> str:
        """As the inner one says."""
        return self.inner.malformed(call)

    def reads_only(self, call: ToolCall) -> bool:
        """As the inner one says."""
        return self.inner.reads_only(call)

    def run(self, call: ToolCall) -> ToolResult:
        """Runs a call and looks at what it did."""
        known = dict(self.seen)
        result = self.inner.run(call)
        if self.inner.reads_only(call):
            return result
        undone = self.guard.restore()
        if not undone:
            return result
        self.seen.update({path: known[path] for path in undone if path in known})
        what = "; ".join(f"{path}: {why}" for path, why in undone.items())
        self.refused(call, what)
        return ToolResult(REFUSED.format(what=what), is_error=True)


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
