"""Undo and redo: what a turn did to the files, as snapshots before it and after it.

A step begins with the first write of a turn and ends with the turn; a turn that writes nothing is
no step. Only paths that the step changed are put back, and only where they are still as the step
left them: what the person edited since is not overwritten unless they say so, and then it is kept,
too, so that redo brings it back.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path

from tools.errors import UsageError, WaitsForPerson
from tools.repo_restore import put_back
from tools.repo_snapshot import Snapshots
from tools.workspace import read_text, write_atomic

_FILE = "checkpoints.json"


@dataclass(frozen=True)
class Step:
    """What one turn did.

    Args:
        label: the request that it answered.
        before: snapshot before its first write.
        after: snapshot after its last write so far.
        paths: the files that it is about, where the snapshots differ in others too.
    """

    label: str
    before: str
    after: str
    paths: tuple[str, ...] = ()


@dataclass(frozen=True)
class Moved:
    """What an undo or a redo did.

    Args:
        label: the request whose step it was.
        paths: files that were put back.
        skipped: files that no snapshot keeps, with why.
    """

    label: str
    paths: tuple[str, ...]
    skipped: dict[str, str]


@dataclass
class Checkpoints:
    """The steps of a session.

    Args:
        root: the folder whose files are kept.
        session: its id, and the last part of the ref of its snapshots.
        folder: where the list of steps is kept.
    """

    root: Path
    session: str
    folder: Path
    steps: list[Step] = field(default_factory=list)
    done: int = 0
    """How many steps stand; the others were undone and can be redone."""
    _open: bool = field(default=False, init=False)

    @staticmethod
    def load(root: Path, session: str, folder: Path) -> Checkpoints:
        """The steps of a session as they were last saved; none for a new one."""
        found = Checkpoints(root, session, folder)
        if (folder / _FILE).is_file():
            data = json.loads(read_text(folder / _FILE))
            found.steps = [
                Step(**{**step, "paths": tuple(step["paths"])}) for step in data["steps"]
            ]
            found.done = data["done"]
        return found

    @cached_property
    def snapshots(self) -> Snapshots:
        """Where the files are kept; git is first asked when something is."""
        return Snapshots(self.root, self.session)

    def take(self, label: str) -> str:
        """Keeps the files as they are; returns the id to restore."""
        return self.snapshots.take(label)

    def restore(self, snapshot: str) -> tuple[str, ...]:
        """Makes all files what a snapshot has; returns the paths that changed."""
        now = self.take("before a restore")
        changes = self.snapshots.changes(now, snapshot)
        return put_back(self.snapshots, tuple(changes.values()), now, snapshot)

    def begin(self, label: str) -> None:
        """Before a write: the first of a turn opens a step."""
        if not self._open:
            before = self.take(label)
            self.steps = [*self.steps[: self.done], Step(label, before, before)]
            self.done = len(self.steps)
            self._open = True
            self._save()

    def mark(self) -> None:
        """After a call that may have written: what it did is part of the step."""
        if self._open:
            step = self.steps[-1]
            self.steps[-1] = replace(step, after=self.take(step.label))
            self._save()

    def end(self) -> tuple[str, ...]:
        """Ends the step, if one is open; one that changed nothing is none.

        Returns:
            The paths that it changed.
        """
        if not self._open:
            return ()
        self._open = False
        step = self.steps[-1]
        changed = tuple(self.snapshots.changes(step.before, step.after))
        if not changed:
            self.steps.pop()
            self.done = len(self.steps)
        self._save()
        return changed

    def undo(self, *, force: bool = False) -> Moved:
        """Takes the newest step back.

        Args:
            force: overwrite what was edited since; it is kept, and a redo brings it back.

        Raises:
            UsageError: there is nothing to undo.
            WaitsForPerson: files were edited since; nothing was changed.
        """
        if not self.done:
            raise UsageError("nothing to undo: no turn of this session changed files")
        at = self.done - 1
        step = self.steps[at]
        edited = self._edited(step, step.after, step.before, "undo", force=force)
        if edited:
            self.steps[at] = step = replace(step, after=edited, paths=tuple(self._own(step)))
            self._save()
        return self._move(step, step.after, step.before, at)

    def redo(self, *, force: bool = False) -> Moved:
        """Does the step that was last undone again.

        Args:
            force: overwrite what was edited since; it is kept, and an undo brings it back.

        Raises:
            UsageError: there is nothing to redo.
            WaitsForPerson: files were edited since; nothing was changed.
        """
        if self.done == len(self.steps):
            raise UsageError("nothing to redo: nothing was undone since the last change")
        at = self.done
        step = self.steps[at]
        edited = self._edited(step, step.before, step.after, "redo", force=force)
        if edited:
            self.steps[at] = step = replace(step, before=edited, paths=tuple(self._own(step)))
            self._save()
        return self._move(step, step.before, step.after, at + 1)

    def diff(self, *, last: bool = False) -> str:
        """What became of the files that the session (or its last step) changed: a unified diff."""
        if not self.done:
            return ""
        steps = self.steps[self.done - 1 if last else 0 : self.done]
        paths = {path for step in steps for path in self._own(step)}
        now = self.take("diff")
        known = paths & self.snapshots.changes(steps[0].before, now).keys()
        return self.snapshots.diff(steps[0].before, now, sorted(known)) if known else ""

    def _own(self, step: Step) -> tuple[str, ...]:
        """The files that a step changed."""
        return step.paths or tuple(self.snapshots.changes(step.before, step.after))

    def _edited(self, step: Step, expected: str, target: str, verb: str, *, force: bool) -> str:
        """Empty if the files of a step are as it left them, else, with force, a snapshot of now.

        A file that is as the move would make it counts as unedited: an interrupted move is
        finished by doing it again. Of a step that was killed before anybody saw what it did,
        all that differs may be the person's.
        """
        now = self.take(f"before {verb}")
        since = self.snapshots.changes(expected, now)
        wanted = self.snapshots.changes(expected, target)
        edited = [
            path
            for path in self._own(step) or since
            if path in since and (path not in wanted or since[path].new != wanted[path].new)
        ]
        if edited and not force:
            back = "redo" if verb == "undo" else "undo"
            raise WaitsForPerson(
                f"edited since: {', '.join(sorted(edited))}",
                f"/{verb} force overwrites that, and /{back} brings it back",
            )
        return now if edited else ""

    def _move(self, step: Step, old: str, new: str, done: int) -> Moved:
        own = set(self._own(step))
        changes = self.snapshots.changes(old, new)
        paths = put_back(self.snapshots, [c for p, c in changes.items() if p in own], old, new)
        self.done = done
        self._save()
        return Moved(step.label, paths, self.snapshots.meta(step.after).skipped)

    def _save(self) -> None:
        data = {"steps": [asdict(step) for step in self.steps], "done": self.done}
        self.folder.mkdir(parents=True, exist_ok=True)
        write_atomic(self.folder, _FILE, json.dumps(data, indent=1) + "\n")
