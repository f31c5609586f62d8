"""What a checkout holds that is not committed, as a commit of its own; nothing of it is touched.

The commit is made with an index file of ours: the person's index, HEAD, branches and stash stay.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from tools.errors import WaitsForPerson
from tools.repo_git import Git
from tools.repo_worktree import commit_tree, exclude, marker, resolve

_STATE = ".specmill"


def commit_of(folder: Path, message: str, *, onto: str = "") -> str:
    """A commit of all files as they are, git's ignored ones left out.

    Args:
        folder: in a checkout; the whole checkout counts.
        message: of the commit.
        onto: its parent; HEAD by default.

    Returns:
        The parent itself where nothing differs from it.

    Raises:
        WaitsForPerson: a merge is under way, with files in conflict.
        ProgramMissing: see :meth:`tools.repo_git.Git.do`.
    """
    git = Git(Path(Git(folder).do("rev-parse", "--show-toplevel")))
    exclude(git, f"{_STATE}/", f"{_STATE}/x")
    if git.do("ls-files", "--unmerged", "-z"):
        raise WaitsForPerson(
            "files of the checkout are in conflict", "finish or abort the merge, then run again"
        )
    parent = onto or resolve(git, "HEAD") or ""
    with tempfile.TemporaryDirectory(prefix="specmill-") as place:
        env = {"GIT_INDEX_FILE": os.fspath(Path(place) / "index")}
        git.do("read-tree", parent or "--empty", env=env)
        git.do("add", "--all", env=env)
        tree = git.do("write-tree", env=env)
    if parent and tree == git.do("rev-parse", f"{parent}^{{tree}}"):
        return parent
    return commit_tree(git, tree, (parent,) if parent else (), message)


def make_branch(folder: Path, branch: str, commit: str) -> None:
    """Makes a new branch at a commit.

    Raises:
        WaitsForPerson: there is one of that name.
    """
    Git(folder).do("update-ref", "-m", "specmill: repair", f"refs/heads/{branch}", commit, "0" * 40)


def move_branch(folder: Path, branch: str, commit: str) -> None:
    """Moves a branch of ours to a commit."""
    Git(folder).do("update-ref", "-m", "specmill: repair", f"refs/heads/{branch}", commit)


def changed_since(folder: Path, commit: str) -> tuple[str, ...]:
    """Files of a checkout that differ from a commit, new and removed ones too; ignored ones not."""
    git = Git(Path(Git(folder).do("rev-parse", "--show-toplevel")))
    differ = git.do("diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", commit, "--")
    new = git.do("ls-files", "--others", "--exclude-standard", "-z", "--exclude", f"{_STATE}/")
    unknown = {path for path in new.split("\0") if path}
    # What the index does not know may be in the commit all the same.
    same = {path for path in unknown if _is_as_at(git.cwd, commit, path)}
    return tuple(sorted(({path for path in differ.split("\0") if path} | unknown) - same))


def _is_as_at(top: Path, commit: str, path: str) -> bool:
    place = top / path
    return place.is_file() and place.read_bytes() == text_at(top, commit, path)


def text_at(folder: Path, commit: str, path: str) -> bytes | None:
    """The bytes of a file at a commit; None if it is not in it."""
    answer = Git(folder).ask("cat-file", "blob", f"{commit}:{path}")
    return answer.out if answer.code == 0 else None


def put_back(folder: Path, commit: str, path: str) -> None:
    """Makes a file what it is at a commit, or removes it if it is not in that."""
    git = Git(folder, ("--literal-pathspecs",))
    place = folder / path
    if place.is_symlink() or place.is_file():
        place.unlink()
    if git.ask("cat-file", "-e", f"{commit}:{path}").code == 0:
        git.do("restore", f"--source={commit}", "--worktree", "--", path)


def remove_worktree(folder: Path, worktree: Path, branch: str = "") -> None:
    """Removes a worktree of ours, and the branch if one is named."""
    git = Git(folder)
    git.ask("worktree", "remove", "--force", "--force", os.fspath(worktree))
    git.do("worktree", "prune")
    marker(worktree).unlink(missing_ok=True)
    if branch:
        git.do("update-ref", "-d", f"refs/heads/{branch}")


def rescue(folder: Path, worktree: Path) -> None:
    """Ends a worktree that a killed run left: what it held is kept on its branch."""
    if (worktree / ".git").is_file() and marker(worktree).is_file():
        branch = marker(worktree).read_text(encoding="utf-8").strip()
        commit = commit_of(worktree, "What an interrupted repair left")
        move_branch(folder, branch, commit)
    remove_worktree(folder, worktree)


def drop_ignored(folder: Path) -> None:
    """Removes what git ignores from a checkout of ours: nothing hidden takes part in a test."""
    Git(folder).do("clean", "--quiet", "-ffdX", "-e", f"!{_STATE}")


def difference(folder: Path, old: str, new: str, *, stat: bool = False) -> str:
    """A unified diff between commits, or its statistics."""
    how = ("--stat=80",) if stat else ("--src-prefix=a/", "--dst-prefix=b/")
    return Git(folder).do("diff", "--no-color", "--no-ext-diff", "--no-textconv", *how, old, new)
