"""Writes and deletes that stay inside a folder and happen at once or not at all.

Every write goes to a new file in the same folder, is flushed to disk and then renamed over the
old one, so that a reader or a crash sees the old text or the new, never half of one. Folders are
opened one by one without following symbolic links: a link cannot lead a write out of the root.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tools.errors import InputError, ProgramMissing, UsageError

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_REMEDIES = {
    errno.EACCES: "Give yourself permission for it, or work in a folder that is yours.",
    errno.EPERM: "Give yourself permission for it, or work in a folder that is yours.",
    errno.EROFS: "The disk is mounted read-only: work in a folder that can be written.",
    errno.ENOSPC: "The disk is full: free some space, then run again.",
    errno.EDQUOT: "Your disk quota is used up: free some space, then run again.",
    errno.EFBIG: "The file is larger than the limit for files here (see `ulimit -f`).",
    errno.EMFILE: "Too many files are open: raise the limit (see `ulimit -n`).",
    errno.ENAMETOOLONG: "Choose shorter names.",
}


def shown(path: Path) -> str:
    """The path as people write it: relative to the current folder when it is inside."""
    try:
        return path.absolute().relative_to(Path.cwd()).as_posix() or "."
    except ValueError:
        return path.as_posix()


def check_relative(relative: str) -> tuple[str, ...]:
    """The parts of a posix path that stays inside the folder it is relative to.

    Raises:
        UsageError: it is absolute, empty, holds ``.``, ``..``, ``.git``, an empty part, a
            backslash, a colon after a drive letter, or a control character.
    """
    parts = tuple(relative.split("/"))
    wrong = (
        any(ord(c) < 32 or ord(c) == 127 or c == "\\" for c in relative)
        or any(p in {"", ".", ".."} or p.lower() == ".git" for p in parts)
        or (len(relative) > 1 and relative[1] == ":")
    )
    if wrong:
        raise UsageError(
            f"{relative!r} is not a path inside the workspace",
            "Use a relative path with forward slashes, without '..' and control characters.",
        )
    return parts


def write_atomic(root: Path, relative: str, text: str) -> Path:
    """Make a file inside ``root`` hold ``text``, at once or not at all.

    Missing folders are made, the mode of an existing file is kept, and a file that already holds
    the text is left alone, so that tools that look at times see no change.

    Args:
        root: an existing folder; it may itself be reached by a symbolic link.
        relative: posix path below ``root``, see :func:`check_relative`.
        text: written as UTF-8, line ends as given.

    Returns:
        The path of the file.

    Raises:
        UsageError: the path leads out of ``root``, through a symbolic link, or names a folder.
        InputError: the text cannot be written as UTF-8.
        ProgramMissing: no permission, no space, a read-only disk; nothing was changed.
    """
    parts = check_relative(relative)
    target = root.joinpath(*parts)
    try:
        data = text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(
            f"{relative}: the text holds U+{ord(text[error.start]):04X}, which is not a character",
            "Remove it.",
        ) from error
    try:
        with open_folder(root, parts[:-1], make=True) as folder:
            _replace(folder, parts[-1], data, relative)
    except OSError as error:
        raise refused(shown(target), error, "write") from error
    return target


def delete_atomic(root: Path, relative: str) -> bool:
    """Delete a file inside ``root``; a symbolic link is deleted itself, never what it leads to.

    Returns:
        Whether there was one.

    Raises:
        UsageError: as for :func:`write_atomic`.
        ProgramMissing: it cannot be deleted.
    """
    parts = check_relative(relative)
    try:
        with open_folder(root, parts[:-1], make=False) as folder:
            os.unlink(parts[-1], dir_fd=folder)
            os.fsync(folder)
    except FileNotFoundError:
        return False
    except IsADirectoryError as error:
        raise UsageError(f"{relative}: is a folder, not a file", "Name a file.") from error
    except OSError as error:
        raise refused(shown(root.joinpath(*parts)), error, "delete") from error
    return True


def remove_leftovers(root: Path) -> tuple[Path, ...]:
    """Delete the temporary files below ``root`` that killed processes left; returns them."""
    gone = []
    for path in sorted(root.rglob(".specmill-*-*.tmp")):
        pid = path.name.split("-")[1]
        if pid.isdigit() and not _alive(int(pid)):
            path.unlink(missing_ok=True)
            gone.append(path)
    return tuple(gone)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def open_folder(root: Path, parts: tuple[str, ...], *, make: bool) -> Iterator[int]:
    """A descriptor of the folder, reached without following a link below ``root``."""
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for number, part in enumerate(parts, start=1):
            below = _step(descriptor, part, "/".join(parts[:number]), make=make)
            os.close(descriptor)
            descriptor = below
        yield descriptor
    finally:
        os.close(descriptor)


def _step(descriptor: int, part: str, so_far: str, *, make: bool) -> int:
    if make:
        with suppress(FileExistsError):
            os.mkdir(part, dir_fd=descriptor)
    try:
        return os.open(part, _FOLDER, dir_fd=descriptor)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENOTDIR}:
            link = stat.S_ISLNK(os.lstat(part, dir_fd=descriptor).st_mode)
            what = "is a symbolic link" if link else "is a file, not a folder"
            raise UsageError(f"{so_far}: {what}", "Make it a folder of its own.") from error
        raise


def _replace(folder: int, name: str, data: bytes, relative: str) -> None:
    """Put ``data`` into ``name`` of an open folder; on failure nothing is left behind."""
    mode = _mode_of(folder, name, relative)
    if mode is not None and _holds(folder, name, data):
        return
    temporary = f".specmill-{os.getpid()}-{secrets.token_hex(6)}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, 0o666, dir_fd=folder)
    try:
        with os.fdopen(descriptor, "wb") as handle:
            if mode is not None:
                os.fchmod(handle.fileno(), mode)
            handle.write(data)
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=folder)
        raise
    os.fsync(folder)


def _mode_of(folder: int, name: str, relative: str) -> int | None:
    """The permission bits of the file; None when there is none yet."""
    try:
        status = os.lstat(name, dir_fd=folder)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(status.st_mode):
        what = {stat.S_IFDIR: "is a folder", stat.S_IFLNK: "is a symbolic link"}
        reason = what.get(stat.S_IFMT(status.st_mode), "is not a regular file")
        raise UsageError(f"{relative}: {reason}", "Move it away, or choose another name.")
    return stat.S_IMODE(status.st_mode)


def _holds(folder: int, name: str, data: bytes) -> bool:
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    except PermissionError:
        return False  # a file that may not be read may still be replaced
    with os.fdopen(descriptor, "rb") as handle:
        return os.fstat(descriptor).st_size == len(data) and handle.read() == data


def refused(name: str, error: OSError, verb: str) -> ProgramMissing:
    """What to raise when the system refuses to ``verb`` (read, write ...) the file ``name``."""
    reason = os.strerror(error.errno).lower() if error.errno else str(error)
    remedy = _REMEDIES.get(error.errno or 0, "Check the disk and its permissions.")
    return ProgramMissing(f"cannot {verb} {name}: {reason}", remedy)
