"""What lies in a folder as git sees it: tracked files, and untracked ones that are not ignored."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tools.guarded import is_secret
from tools.repo_git import Git
from tools.workspace import STATE

LIMIT = 50 * 1024 * 1024
"""Bytes of the largest file that a snapshot keeps."""


@dataclass
class Listing:
    """What lies in a folder: the files that are kept, by path relative to it."""

    files: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Permissions first, then what changes when the content does."""
    links: dict[str, bytes] = field(default_factory=dict)
    empty: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    blobs: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def of(root: Path, git: Git) -> Listing:
        """Looks at a folder."""
        listed = Listing()
        inside = _folders_of(root)
        tracked = [path for path in _names(git, "--cached") if path.split("/")[0] != STATE]
        for path in tracked:
            if inside(path):
                listed._add(root, path)
        for path in _names(git, "--others"):
            if path.endswith("/"):
                listed.skipped[path.rstrip("/")] = "a repository of its own"
            elif is_secret(path):
                listed.skipped[path] = "may hold secrets"
            else:
                listed._add(root, path)
        for folder in _names(git, "--others", "--directory"):
            if folder.endswith("/"):
                listed.empty += _empty_below(root, folder.rstrip("/"))
        return listed

    def _add(self, root: Path, path: str) -> None:
        full = root / path
        try:
            status = os.lstat(full)
            if stat.S_ISLNK(status.st_mode):
                self.links[path] = os.fsencode(os.readlink(full))  # noqa: PTH115  # Path drops './'
                return
        except (FileNotFoundError, NotADirectoryError):
            return
        if stat.S_ISDIR(status.st_mode):
            self.skipped[path] = "a repository of its own"
        elif not stat.S_ISREG(status.st_mode):
            self.skipped[path] = "not a regular file"
        elif status.st_size > LIMIT:
            self.skipped[path] = f"larger than {LIMIT // 1024 // 1024} MB"
        elif not os.access(full, os.R_OK):
            self.skipped[path] = "may not be read"
        else:
            self.files[path] = (
                stat.S_IMODE(status.st_mode),
                status.st_mtime_ns,
                status.st_ctime_ns,
                status.st_size,
                status.st_ino,
            )


def files_below(root: Path, most: int) -> list[str]:
    """Files of a folder, at most so many; inside of git those that are not ignored."""
    git = Git(root)
    if git.ask("rev-parse", "--is-inside-work-tree").text == "true":
        names = [*_names(git, "--cached"), *_names(git, "--others")]
        return sorted(name for name in names if not name.endswith("/"))[:most]
    found: list[str] = []
    for place, folders, files in os.walk(root):
        folders[:] = sorted(folder for folder in folders if not folder.startswith("."))
        found += (Path(place, file).relative_to(root).as_posix() for file in sorted(files))
        if len(found) >= most:
            break
    return found[:most]


def _names(git: Git, *which: str) -> list[str]:
    text = git.do("ls-files", "-z", *which, "--exclude-standard", "--exclude", f"{STATE}/")
    return list(dict.fromkeys(name for name in text.split("\0") if name))


def _folders_of(root: Path) -> Callable[[str], bool]:
    """Whether a path lies in real folders, not behind a symbolic link."""
    known = {"": True}

    def is_inside(folder: str) -> bool:
        if folder not in known:
            above = folder.rpartition("/")[0]
            known[folder] = is_inside(above) and not (root / folder).is_symlink()
        return known[folder]

    return lambda path: is_inside(path.rpartition("/")[0])


def _empty_below(root: Path, folder: str) -> list[str]:
    """Folders without anything in them."""
    found = []
    for place, folders, files in os.walk(root / folder):
        if ".git" in folders or ".git" in files:
            folders.clear()
        elif not folders and not files:
            found.append(Path(place).relative_to(root).as_posix())
    return [path for path in found if path != "."]
