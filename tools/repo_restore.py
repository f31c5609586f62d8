"""Puts files back as a snapshot has them: contents, permissions, links, folders.

Each file is replaced at once or not at all, without following a symbolic link. A restore that was
interrupted is finished by doing it again.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath

from tools.errors import UsageError, WaitsForPerson
from tools.repo_snapshot import Change, Entry, Snapshots
from tools.workspace_write import open_folder, refused

_BATCH = 64


def put_back(
    snapshots: Snapshots, changes: Sequence[Change], old: str, new: str
) -> tuple[str, ...]:
    """Makes each path what ``change.new`` says.

    A file that was ignored when the snapshot was taken, and so was not looked at, is not deleted,
    although it is in no snapshot: ignore rules are put back first, and asked.

    Args:
        snapshots: where the contents are.
        changes: what to do; other paths are left alone.
        old: the snapshot that they lead from; its empty folders are removed ...
        new: the one that they lead to; ... and those of this one made.

    Returns:
        The paths that were changed.

    Raises:
        ProgramMissing: the disk or its permissions refuse.
        WaitsForPerson: something else lies where a file or a folder belongs.
    """
    rules = [change for change in changes if PurePosixPath(change.path).name == ".gitignore"]
    others = [change for change in changes if change not in rules]
    _write(snapshots, [change for change in rules if change.new])
    gone = _not_ignored(snapshots, [change.path for change in others if not change.new])
    gone += [change.path for change in rules if not change.new]
    for path in sorted(gone, reverse=True):
        _delete(snapshots.root, path)
    empty = snapshots.meta(new).empty
    emptied = {parent.as_posix() for path in gone for parent in PurePosixPath(path).parents}
    for folder in sorted((emptied | {*snapshots.meta(old).empty}) - {".", *empty}, reverse=True):
        _remove_empty(snapshots.root, folder)
    written = [change for change in others if change.new]
    _write(snapshots, written)
    for folder in empty:
        _make_folder(snapshots.root, folder)
    return tuple(sorted([*gone, *(c.path for c in rules if c.new), *(c.path for c in written)]))


def _not_ignored(snapshots: Snapshots, paths: Sequence[str]) -> list[str]:
    if not paths:
        return []
    data = b"".join(os.fsencode(path) + b"\0" for path in paths)
    answer = snapshots.git.ask("check-ignore", "-z", "--stdin", data=data)
    ignored = set(os.fsdecode(answer.out).split("\0"))
    return [path for path in paths if path not in ignored]


def _write(snapshots: Snapshots, changes: Sequence[Change]) -> None:
    for start in range(0, len(changes), _BATCH):
        batch = changes[start : start + _BATCH]
        blobs = snapshots.contents(change.new.blob for change in batch if change.new)
        for change in batch:
            if change.new:
                _place(snapshots.root, change.path, change.new, blobs[change.new.blob])


def _place(root: Path, path: str, entry: Entry, content: bytes) -> None:
    *folders, name = path.split("/")
    _remove_empty(root, path)
    temporary = f".specmill-{os.getpid()}-{secrets.token_hex(6)}.tmp"
    try:
        with open_folder(root, tuple(folders), make=True) as folder:
            try:
                if entry.is_link:
                    os.symlink(content, temporary.encode(), dir_fd=folder)
                else:
                    _fill(folder, temporary, entry.mode, content)
                os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                with suppress(FileNotFoundError):
                    os.unlink(temporary, dir_fd=folder)
                raise
    except (IsADirectoryError, UsageError) as error:
        raise WaitsForPerson(
            f"{path} cannot be put back: something else lies where it belongs",
            "Move that away, then try again.",
        ) from error
    except OSError as error:
        raise refused(path, error, "write") from error


def _fill(folder: int, name: str, mode: int, content: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with os.fdopen(os.open(name, flags, 0o600, dir_fd=folder), "wb") as handle:
        handle.write(content)
        os.fchmod(handle.fileno(), mode)
        handle.flush()
        os.fsync(handle.fileno())


def _delete(root: Path, path: str) -> None:
    *folders, name = path.split("/")
    try:
        with open_folder(root, tuple(folders), make=False) as folder:
            status = os.lstat(name, dir_fd=folder)
            if not stat.S_ISDIR(status.st_mode):
                os.unlink(name, dir_fd=folder)
    except (FileNotFoundError, UsageError):
        return  # it is gone, or it lies behind a link, where nothing of ours is
    except OSError as error:
        raise refused(path, error, "delete") from error


def _remove_empty(root: Path, folder: str) -> None:
    """Removes a folder, unless it holds something, is gone, or lies behind a link."""
    *above, name = folder.split("/")
    with suppress(OSError, UsageError), open_folder(root, tuple(above), make=False) as place:
        os.rmdir(name, dir_fd=place)


def _make_folder(root: Path, folder: str) -> None:
    with suppress(OSError, UsageError), open_folder(root, tuple(folder.split("/")), make=True):
        pass
