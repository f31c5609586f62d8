"""The person's git repository, as seen from a workspace, and commits beside their checkout.

All paths are relative to the workspace, which may be a folder below the repository's top. Nothing
here changes the person's files, index, HEAD, stash or branches; commits are made in a worktree of
our own (:mod:`tools.repo_worktree`), without the person's hooks and signature: nothing of it
reaches a branch of theirs before they merge it, and then their hooks do run.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.errors import UsageError
from tools.repo_git import Git, failure
from tools.repo_worktree import (
    CHECKOUT,
    Worktree,
    commit_tree,
    exclude,
    is_ancestor,
    prepare,
    resolve,
)

__all__ = ["Repo", "Worktree"]

HISTORY_LIMIT = 500
"""Commits that touch a path which :meth:`Repo.find_by_sha256` looks at, newest first."""

_DIFF = ("--no-color", "--no-ext-diff", "--no-textconv", "--src-prefix=a/", "--dst-prefix=b/")


@dataclass(frozen=True)
class Repo:
    """A git repository with a checkout.

    Args:
        workspace: the folder that paths are relative to.
        top: the top folder of the checkout.
        prefix: the workspace's path below the top: empty, or ending in a slash.
    """

    workspace: Path
    top: Path
    prefix: str

    @staticmethod
    def open(path: Path) -> Repo | None:
        """The repository that the folder ``path`` is in; None when it is in none.

        Raises:
            ProgramMissing: git is missing, or does not trust the folder.
            UsageError: the repository is bare: it has no checkout to work beside.
        """
        git = Git(path)
        answer = git.ask("rev-parse", "--is-inside-work-tree")
        if answer.code != 0:
            if "not a git repository" in answer.error:
                return None
            raise failure("rev-parse", answer)
        if answer.text != "true":
            raise UsageError(
                f"{path} is inside a bare repository or a .git folder",
                "Run in a checkout: git clone it, or git worktree add one.",
            )
        prefix = git.do("rev-parse", "--show-prefix")
        return Repo(path.resolve(), Path(git.do("rev-parse", "--show-toplevel")), prefix)

    @property
    def _git(self) -> Git:
        return Git(self.workspace)

    @property
    def _literal(self) -> Git:
        """For commands with paths: a ``*`` in one is part of its name."""
        return Git(self.workspace, ("--literal-pathspecs",))

    def head(self) -> str | None:
        """The commit that is checked out; None before the first one."""
        return resolve(self._git, "HEAD")

    def branch(self) -> str | None:
        """The branch that is checked out, with or without commits; None on a detached HEAD."""
        answer = self._git.ask("symbolic-ref", "--quiet", "--short", "HEAD")
        return answer.text if answer.code == 0 else None

    def branch_tip(self, branch: str) -> str | None:
        """The commit that a local branch is at; None when there is no such branch."""
        return resolve(self._git, f"refs/heads/{branch}")

    def contains(self, new: str, old: str) -> bool:
        """Whether revision ``new`` has revision ``old`` in its history, or is it."""
        return is_ancestor(self._git, old, new)

    def count(self, base: str, tip: str) -> int:
        """How many commits ``tip`` has that ``base`` lacks."""
        return int(self._git.do("rev-list", "--count", f"{base}..{tip}"))

    def status(self, paths: Sequence[str] = ()) -> dict[str, str]:
        """What is not committed: path to git's two letters, such as ``" M"`` or ``"??"``.

        Args:
            paths: files and folders to look at; empty for the whole workspace.
        """
        # --no-renames takes a moved file for a deleted and a new one: one path an entry.
        text = self._literal.do(
            "status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all", "--",
            *(paths or ["."]),
        )  # fmt: skip
        entries = (entry for entry in text.split("\0") if entry)
        return {entry[3:].removeprefix(self.prefix): entry[:2] for entry in entries}

    def is_dirty(self, paths: Sequence[str] = ()) -> bool:
        """Whether something of ``paths`` (or of the workspace) is not committed."""
        return bool(self.status(paths))

    def show(self, rev: str, path: str) -> str | None:
        """The text of a file at a revision; None when either does not exist."""
        answer = self._git.ask("cat-file", "blob", f"{rev}:{self.prefix}{path}")
        return answer.out.decode("utf-8", "replace") if answer.code == 0 else None

    def commit_of(self, rev: str) -> str | None:
        """The commit that a revision names: a branch, a tag, a hash, ``HEAD~2``; None of none."""
        return resolve(self._git, rev) if rev else None

    def export(self, rev: str, paths: Sequence[str], into: Path, *, limit: int = 2**21) -> None:
        """Writes files as they are at a revision into another folder; the checkout stays as it is.

        Links, submodules and files above ``limit`` bytes are left out.

        Args:
            rev: a commit that there is.
            paths: files and folders, relative to the workspace; those that are not there count
                for nothing.
            into: the folder; paths in it are as in the workspace.
            limit: bytes.
        """
        listed = self._literal.do("ls-tree", "-r", "-l", "-z", rev, "--", *paths)
        wanted: dict[str, str] = {}
        for entry in filter(None, listed.split("\0")):
            about, path = entry.split("\t", 1)
            mode, _, blob, size = about.split()
            inside = not path.startswith("/") and ".." not in path.split("/")
            if mode.startswith("100") and inside and int(size) <= limit:
                wanted[path] = blob
        names = "".join(f"{blob}\n" for blob in wanted.values()).encode()
        data = self._git.ask("cat-file", "--batch", data=names).out
        at = 0
        for path in wanted:
            end = data.index(b"\n", at)
            length = int(data[at:end].split()[2])
            file = into / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data[end + 1 : end + 1 + length])
            at = end + 2 + length

    def find_by_sha256(self, path: str, sha256: str) -> str | None:
        """The text with that sha256 that ``path`` once had on any branch, or in the stash.

        Line ends are read as LF, as :func:`tools.artifact.sha256_text` does. At most
        :data:`HISTORY_LIMIT` commits are looked at.
        """
        for blob in self._blobs(path):
            data = self._git.ask("cat-file", "blob", blob).out.replace(b"\r\n", b"\n")
            if hashlib.sha256(data).hexdigest() == sha256:
                return data.decode("utf-8", "replace")
        return None

    def _blobs(self, path: str) -> Iterator[str]:
        """Names of the contents that a path had, newest first, each once."""
        answer = self._literal.ask(
            "log", "--all", "--full-history", "-m", "--raw", "--no-abbrev", "--no-renames",
            "--format=", "-z", f"--max-count={HISTORY_LIMIT}", "--", path,
        )  # fmt: skip
        # Each entry is ":<mode> <mode> <old> <new> <status>", then the path.
        raw = [part.split() for part in answer.text.split("\0") if part.startswith(":")]
        names = dict.fromkeys(name for fields in raw for name in (fields[3], fields[2]))
        return (name for name in names if name.strip("0"))

    def diff(self, a: str, b: str, paths: Sequence[str] = ()) -> str:
        """A unified diff from revision ``a`` to ``b``, with paths relative to the workspace."""
        return self._literal.do("diff", *_DIFF, "--relative", a, b, "--", *(paths or ["."]))

    def exclude(self, pattern: str) -> None:
        """Have git overlook a folder such as ``.specmill/``, here and not for everybody."""
        exclude(self._git, pattern, pattern + "x")

    def worktree(self, branch: str, at: Path) -> Worktree:
        """Check out ``branch`` at ``at``; see :func:`tools.repo_worktree.prepare`."""
        self.exclude(".specmill/")
        return prepare(self._git, self.prefix, branch, at)

    def commit(self, worktree: Worktree | Path, paths: Sequence[str], message: str) -> str | None:
        """Commit the state of ``paths`` in a worktree of ours, and nothing else.

        Ignore rules do not keep a file out, no hook runs, nothing is signed. The author is who
        the person's configuration names, else ``specmill <specmill@localhost>``.

        Args:
            worktree: what :meth:`worktree` gave, or its path.
            paths: files relative to the workspace; one that is not there is committed as removed.
            message: the commit message.

        Returns:
            The new commit, or None when the branch has it all already.

        Raises:
            ProgramMissing: see :meth:`tools.repo_git.Git.do`.
        """
        ours = Git(Path(worktree), CHECKOUT)
        names = b"".join(os.fsencode(f"{self.prefix}{path}\0") for path in sorted(set(paths)))
        tip = ours.do("rev-parse", "--verify", "HEAD")
        ours.do("read-tree", "HEAD")
        ours.do("update-index", "--add", "--remove", "-z", "--stdin", data=names)
        tree = ours.do("write-tree")
        if tree == ours.do("rev-parse", f"{tip}^{{tree}}"):
            return None
        new = commit_tree(ours, tree, (tip,), message.rstrip("\n") + "\n")
        subject = message.split("\n", 1)[0]
        ours.do("update-ref", "-m", f"commit: {subject}", "HEAD", new, tip)
        return new
