"""The lock: what was generated from which spec, and whether somebody has edited it since.

``specmill.lock`` holds the digest of each spec and the sha256 of each generated file. A file that
still has its sha256 may be overwritten; one that has not was edited by hand and stops the run,
with a three-way diff and two ways on: adopt it or restore it (:mod:`tools.lock_adopt`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tools.artifact import Artifact, sha256_text
from tools.lock_diff import three_way, unified
from tools.lock_file import LOCK, LockedFile, LockedSpec, LockFile
from tools.workspace import STATE, check_relative, delete_atomic, write_atomic
from tools.workspace_write import refused

__all__ = [
    "LOCK",
    "BaseOf",
    "Drift",
    "LockFile",
    "LockedFile",
    "LockedSpec",
    "bases",
    "drift",
    "is_unedited",
    "keep_bases",
    "on_disk",
    "prune_bases",
]

BaseOf = Callable[[str, str], str | None]
"""The text that a path had when its sha256 was the given one; None when it is nowhere."""


@dataclass(frozen=True)
class Drift:
    """A file that is not as specmill left it, and would be overwritten or made again.

    Args:
        path: relative to the workspace.
        kind: ``edited`` by hand, ``deleted`` by hand, or ``untracked``: there before specmill
            ever made a file of that name.
        diff: for people: three-way when the generated text is found, else yours to the new one.
        conflict: whether the edit and the new generation change the same lines; True when the
            generated text is nowhere to be found.
    """

    path: str
    kind: Literal["edited", "deleted", "untracked"]
    diff: str
    conflict: bool = False


def drift(
    root: Path,
    lock: LockFile,
    incoming: Sequence[Artifact],
    base_of: BaseOf,
    pipeline: str | None = None,
) -> tuple[Drift, ...]:
    """What a run would destroy: the files on disk against the lock, by path.

    Line ends are read as LF, so that a checkout with CRLF is no edit.

    Args:
        root: the folder that paths are relative to.
        lock: the lock as it was before this run.
        incoming: the files that would be written now.
        base_of: finds generated texts again, see :func:`bases`.
        pipeline: with it, files that only this pipeline made and no longer makes count as well.
    """
    coming: dict[str, Artifact | None] = {a.path: a for a in incoming}
    for path, file in lock.files.items():
        if file.owners == [pipeline]:
            coming.setdefault(path, None)
    found = (_drift_of(root, lock, path, coming[path], base_of) for path in sorted(coming))
    return tuple(d for d in found if d is not None)


def _drift_of(
    root: Path, lock: LockFile, path: str, artifact: Artifact | None, base_of: BaseOf
) -> Drift | None:
    locked, yours = lock.files.get(path), on_disk(root, path)
    if yours is None:
        if locked is None or artifact is None:
            return None
        base = base_of(path, locked.sha256)
        return Drift(path, "deleted", unified(base or "", artifact.content, path, path))
    theirs = artifact.content if artifact else ""
    expected = {locked.sha256 if locked else "", artifact.sha256 if artifact else ""}
    if sha256_text(yours) in expected:
        return None
    if locked is None:
        diff = unified(yours, theirs, f"{path} (yours)", f"{path} (would be generated)")
        return Drift(path, "untracked", diff, conflict=True)
    base = base_of(path, locked.sha256)
    if base is None:
        diff = unified(yours, theirs, f"{path} (yours)", f"{path} (would be generated)")
        return Drift(path, "edited", diff, conflict=True)
    diff, places = three_way(base, yours, theirs, path)
    return Drift(path, "edited", diff, conflict=bool(places))


def on_disk(root: Path, path: str) -> str | None:
    """The text of a file of the workspace as far as it is text; None when there is none.

    What is there but no file of ours (a folder, a link) reads as a line that says so.
    """
    file = root.joinpath(*check_relative(path))
    if file.is_symlink():
        return "(a symbolic link)\n"
    if file.is_dir():
        return "(a folder)\n"
    try:
        return file.read_bytes().decode("utf-8", "replace") if file.exists() else None
    except OSError as error:
        raise refused(path, error, "read") from error


def is_unedited(root: Path, lock: LockFile, path: str) -> bool:
    """Whether a generated file is on disk as the lock has it, so that it may be deleted."""
    text, locked = on_disk(root, path), lock.files.get(path)
    return text is not None and locked is not None and sha256_text(text) == locked.sha256


def keep_bases(root: Path, artifacts: Iterable[Artifact]) -> None:
    """Store generated texts under ``.specmill/base/<sha256>``, for three-way diffs to come."""
    for artifact in artifacts:
        write_atomic(root, f"{STATE}/base/{artifact.sha256}", artifact.content)


def bases(root: Path, history: BaseOf | None = None) -> BaseOf:
    """Finds generated texts in ``.specmill/base``, then in ``history`` (git's, as a rule)."""

    def base_of(path: str, sha256: str) -> str | None:
        text = on_disk(root, f"{STATE}/base/{sha256}")
        if text is not None and sha256_text(text) == sha256:
            return text
        return history(path, sha256) if history else None

    return base_of


def prune_bases(root: Path, lock: LockFile) -> int:
    """Delete stored texts that no file of the lock has any more; returns how many."""
    kept = {file.sha256 for file in lock.files.values()}
    folder = root / STATE / "base"
    names = [p.name for p in folder.iterdir()] if folder.is_dir() else []
    return sum(delete_atomic(root, f"{STATE}/base/{n}") for n in names if n not in kept)
