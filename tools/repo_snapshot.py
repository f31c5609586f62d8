"""Snapshots of the files of a folder, byte for byte, in git's object store and a ref of their own.

Neither the person's index, HEAD, branches nor stash is read for contents or written: blobs are made
without filters, so that line ends and large-file pointers stay as they are on disk, and the commit
is made by ``git fast-import``, which knows no index. A folder outside of git gets a repository of
specmill's own in the state folder.

Kept are tracked files and untracked ones that are not ignored; permissions, symbolic links, empty
files and empty folders too. Not kept, and said to be: large files (see :mod:`tools.repo_listing`),
unreadable ones, other repositories inside.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tools.errors import ProgramMissing
from tools.repo_git import Git, failure
from tools.repo_listing import Listing
from tools.workspace import STATE

REFS = "refs/specmill/checkpoints/"
_FILES = "files"
_META = "meta.json"
_MODES = "modes.json"
_RACY_NS = 2_000_000_000
_PLAIN = ("-c", "core.protectNTFS=false", "-c", "core.protectHFS=false")


@dataclass(frozen=True)
class Entry:
    """A file or a symbolic link.

    Args:
        mode: permission bits; 0 for a link.
        blob: the name of its content (of a link: where it leads) in git.
    """

    mode: int
    blob: str

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link."""
        return self.mode == 0


@dataclass(frozen=True)
class Change:
    """What became of a path; ``None`` where it was not, or is not any more."""

    path: str
    old: Entry | None
    new: Entry | None

    @property
    def reversed(self) -> Change:
        """The change that takes it back."""
        return Change(self.path, self.new, self.old)


@dataclass(frozen=True)
class Meta:
    """What a snapshot knows beside contents.

    Args:
        label: what it was taken for.
        empty: folders without anything in them.
        skipped: paths that are not kept, with why.
    """

    label: str
    empty: tuple[str, ...]
    skipped: dict[str, str]


@dataclass
class Snapshots:
    """The snapshots of one folder under one ref.

    Args:
        root: the folder.
        name: the last part of the ref.
    """

    root: Path
    name: str
    _git: Git = field(init=False)
    _seen: dict[str, tuple[tuple[int, ...], str]] = field(default_factory=dict, init=False)
    _tip: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self.root = self.root.resolve()
        self._git = git_of(self.root)
        found = self._git.ask("rev-parse", "--verify", "--quiet", self.ref)
        self._tip = found.text if found.code == 0 else ""

    @property
    def ref(self) -> str:
        """Where they are kept."""
        return REFS + self.name

    @property
    def git(self) -> Git:
        """Git for the repository that holds them."""
        return self._git

    def take(self, label: str) -> str:
        """Keeps the files as they are now.

        Returns:
            The id of the snapshot; ids of equal states differ.

        Raises:
            ProgramMissing: git is missing, or the disk or its permissions refuse.
        """
        for _ in range(3):  # a file may vanish between being listed and being read
            listed = Listing.of(self.root, self._git)
            if self._hash(listed):
                return self._commit(label, listed)
        raise ProgramMissing(
            "the files change faster than they can be kept", "Stop what writes them; try again."
        )

    def meta(self, snapshot: str) -> Meta:
        """What a snapshot knows beside contents."""
        data = json.loads(self._git.do("cat-file", "blob", f"{snapshot}:{_META}"))
        return Meta(data["label"], tuple(data["empty"]), data["skipped"])

    def changes(self, old: str, new: str) -> dict[str, Change]:
        """What differs between two snapshots; nothing about paths that either did not keep."""
        raw = self._git.do(
            "diff-tree", "-r", "-z", "--raw", "--no-abbrev", "--no-renames",
            f"{old}:{_FILES}", f"{new}:{_FILES}",
        )  # fmt: skip
        modes = self._modes(old), self._modes(new)
        parts = iter(raw.split("\0"))
        found = {}
        for head in parts:
            if head:
                path = next(parts)
                fields = head.removeprefix(":").split()
                entries = [
                    _entry(path, kind, blob, of)
                    for kind, blob, of in zip(fields[:2], fields[2:4], modes, strict=True)
                ]
                found[path] = Change(path, *entries)
        found |= self._mode_changes(new, modes, set(found))
        unknown = self.meta(old).skipped.keys() | self.meta(new).skipped.keys()
        return {path: change for path, change in found.items() if path not in unknown}

    def diff(self, old: str, new: str, paths: Iterable[str] = ()) -> str:
        """A unified diff from one snapshot to another."""
        return self._git.do(
            "diff", "--no-color", "--no-ext-diff", "--no-textconv", "--no-relative",
            "--src-prefix=a/", "--dst-prefix=b/", f"{old}:{_FILES}", f"{new}:{_FILES}",
            "--", *(f":(top,literal){path}" for path in paths),
        )  # fmt: skip

    def contents(self, blobs: Iterable[str]) -> dict[str, bytes]:
        """The contents of blobs."""
        names = list(dict.fromkeys(blobs))
        data = "".join(f"{name}\n" for name in names).encode()
        out = self._git.ask("cat-file", "--batch", data=data).out if names else b""
        found, at = {}, 0
        for name in names:
            end = out.index(b"\n", at)
            size = int(out[at:end].split()[2])
            found[name] = out[end + 1 : end + 1 + size]
            at = end + size + 2
        return found

    def _modes(self, snapshot: str) -> dict[str, int]:
        loaded: dict[str, int] = json.loads(
            self._git.do("cat-file", "blob", f"{snapshot}:{_MODES}")
        )
        return loaded

    def _mode_changes(
        self, new: str, modes: tuple[dict[str, int], dict[str, int]], known: set[str]
    ) -> dict[str, Change]:
        """Files of which only the permissions changed, in bits that git does not keep."""
        before, after = modes
        differ = [
            path
            for path in {**before, **after}
            if path not in known and before.get(path) != after.get(path)
        ]
        found = {}
        for path in differ:
            # A pathspec for each would be as long as a command line allows: one listing a path.
            line = self._git.ask("rev-parse", "--verify", "--quiet", f"{new}:{_FILES}/{path}")
            if line.code == 0:  # otherwise it is in neither
                usual = _usual(before.get(path, after.get(path, 0)))
                pair = [Entry(of.get(path, usual), line.text) for of in modes]
                if pair[0] != pair[1]:
                    found[path] = Change(path, *pair)
        return found

    def _hash(self, listed: Listing) -> bool:
        """Puts contents into git that it has not seen; False when a file was gone meanwhile."""
        started = time.time_ns()
        new = [p for p, key in listed.files.items() if self._seen.get(p, ((), ""))[0] != key]
        data = b"".join(_quoted(os.fspath(self.root / path)) + b"\n" for path in new)
        if new:
            answer = self._git.ask("hash-object", "-w", "--no-filters", "--stdin-paths", data=data)
            if answer.code != 0:
                if any(not os.path.lexists(self.root / path) for path in new):
                    return False
                raise failure("hash-object", answer)
            for path, blob in zip(new, answer.text.split("\n"), strict=True):
                listed.blobs[path] = blob
        for path, key in listed.files.items():
            if path not in listed.blobs:
                listed.blobs[path] = self._seen[path][1]
            elif max(key[1], key[2]) < started - _RACY_NS:
                # A younger file may change again without its times showing it.
                self._seen[path] = (key, listed.blobs[path])
        return True

    def _commit(self, label: str, listed: Listing) -> str:
        meta = {"label": label, "empty": listed.empty, "skipped": listed.skipped}
        stream = [b"commit " + self.ref.encode(), b"mark :1"]
        stream.append(b"committer specmill <specmill@localhost> %d +0000" % time.time())
        stream.append(_data(label.encode("utf-8", "replace")))
        if self._tip:
            stream.append(b"from " + self._tip.encode())
        stream.append(b"deleteall")
        for path, key in listed.files.items():
            kind = b"100755" if key[0] & 0o100 else b"100644"
            stream.append(b"M %s %s %s" % (kind, listed.blobs[path].encode(), _inside(path)))
        for path, target in listed.links.items():
            stream += [b"M 120000 inline " + _inside(path), _data(target)]
        modes = {p: k[0] for p, k in listed.files.items() if k[0] != _usual(k[0])}
        for name, content in ((_META, meta), (_MODES, modes)):
            text = json.dumps(content, sort_keys=True).encode("ascii")
            stream += [b"M 100644 inline " + name.encode(), _data(text)]
        stream += [b"get-mark :1", b"done", b""]
        told = self._git.do(
            *_PLAIN, "fast-import", "--quiet", "--done", data=b"\n".join(stream)
        )  # fmt: skip
        self._tip = told.strip()
        return self._tip


def git_of(root: Path) -> Git:
    """Git in a folder: of the person's repository, else of one in the state folder, made here.

    Raises:
        ProgramMissing: git is missing, or does not trust the folder.
    """
    git = Git(root)
    if _is_in_repository(git):
        return git
    shadow = _shadow(root)
    if not (shadow / "HEAD").is_file():
        shadow.parent.mkdir(exist_ok=True)
        git.do("init", "--quiet", "--bare", os.fspath(shadow))
    return Git(root, (f"--git-dir={shadow}", f"--work-tree={root}", "-c", "core.bare=false"))


def _shadow(root: Path) -> Path:
    return root / STATE / "snapshots.git"


def _is_in_repository(git: Git) -> bool:
    """Whether the folder belongs to a repository, and is not one that it ignores."""
    answer = git.ask("rev-parse", "--is-inside-work-tree")
    if answer.code != 0 and "not a git repository" not in answer.error:
        raise failure("rev-parse", answer)
    inside = answer.code == 0 and answer.text == "true"
    return inside and git.ask("check-ignore", "--quiet", ".").code != 0


def forget_others(root: Path, known: Callable[[str], bool]) -> None:
    """Lets go of the snapshots whose name is not known any more."""
    if not _is_in_repository(Git(root)) and not _shadow(root).is_dir():
        return
    git = git_of(root)
    for ref in git.do("for-each-ref", "--format=%(refname)", REFS).splitlines():
        if not known(ref.removeprefix(REFS)):
            git.do("update-ref", "-d", ref)


def _entry(path: str, kind: str, blob: str, modes: dict[str, int]) -> Entry | None:
    if kind == "000000":
        return None
    if kind == "120000":
        return Entry(0, blob)
    return Entry(modes.get(path, 0o755 if kind == "100755" else 0o644), blob)


def _usual(mode: int) -> int:
    """The permissions that git would give a file."""
    return 0o755 if mode & 0o100 else 0o644


def _inside(path: str) -> bytes:
    return _quoted(f"{_FILES}/{path}")


def _quoted(path: str) -> bytes:
    """A path as git reads it on a line, whatever is in it."""
    raw = os.fsencode(path)
    if raw.isalnum() or not any(byte < 32 or byte in b'"\\' for byte in raw):
        return raw
    return b'"' + b"".join(_octal(byte) for byte in raw) + b'"'


def _octal(byte: int) -> bytes:
    return b"\\%03o" % byte if byte < 32 or byte in b'"\\' else bytes([byte])


def _data(content: bytes) -> bytes:
    return b"data %d\n%s" % (len(content), content)
