"""A git worktree of our own for a branch of our own, made, found again or repaired.

The person's checkout is only read. What could be lost is never taken: a folder that specmill did
not make, and a branch that is checked out elsewhere, stop the work.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from tools.errors import ProgramMissing, UsageError, WaitsForPerson
from tools.repo_git import Git

_MARKER = ".specmill-worktree"

CHECKOUT = (
    # Generated files have LF line ends everywhere, whatever the person's platform prefers.
    *("-c", "core.autocrlf=false"),
    *("-c", "core.eol=lf"),
    *("-c", "core.safecrlf=false"),
    *("-c", "submodule.recurse=false"),
)
"""Options for commands that write or read the files of our worktree."""


@dataclass(frozen=True)
class Worktree:
    """A checkout of ``branch`` beside the person's own.

    Args:
        path: its top folder.
        root: the folder in it that corresponds to the workspace (the top, unless the workspace
            is a folder of the repository): artifact paths are relative to this one.
        branch: the branch that commits go to.
        base_commit: the commit of the person's HEAD at this moment; empty without any commit.
        tip: the commit that the branch is at.
        behind: how many commits HEAD has that the branch lacks; for a person to merge.
        related: whether HEAD and the branch have history in common. They have none when the
            branch was made before the first commit: merging needs --allow-unrelated-histories.
    """

    path: Path
    root: Path
    branch: str
    base_commit: str
    tip: str
    behind: int
    related: bool = True

    def __fspath__(self) -> str:
        return os.fspath(self.path)


@dataclass(frozen=True)
class _Start:
    tip: str
    behind: int
    related: bool


def prepare(person: Git, prefix: str, branch: str, at: Path) -> Worktree:
    """Check ``branch`` out at ``at``, clean and at its tip.

    A new branch starts at HEAD, or without any commit yet, at a first commit of no files. A
    branch that HEAD contains moves forward to HEAD; one with commits of its own stays where it is.

    Args:
        person: git in the person's checkout.
        prefix: the workspace's path below the top, empty or ending in a slash.
        branch: the short name of the branch.
        at: an absolute path; a folder there is only taken over if specmill made it.

    Raises:
        UsageError: git allows no branch of that name.
        WaitsForPerson: the branch is checked out elsewhere, or something else is at ``at``.
        ProgramMissing: see :meth:`tools.repo_git.Git.do`.
    """
    ref = f"refs/heads/{branch}"
    if person.ask("check-ref-format", "--branch", branch).code != 0:
        raise UsageError(f"{branch!r} is not a name that git allows for a branch", "Rename it.")
    at = at.parent.resolve() / at.name
    _refuse_elsewhere(person, ref, branch, at)
    _refuse_foreign(at)
    head = resolve(person, "HEAD")
    start = _start(person, ref, head)
    if not _reset(Git(at, CHECKOUT), person, ref, start.tip):
        _make(person, branch, at, start.tip)
    (at / prefix).mkdir(parents=True, exist_ok=True)
    return Worktree(at, at / prefix, branch, head or "", start.tip, start.behind, start.related)


def resolve(git: Git, revision: str) -> str | None:
    """The commit that a revision names; None when there is none."""
    answer = git.ask(
        "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
    )
    return answer.text if answer.code == 0 else None


def is_ancestor(git: Git, old: str, new: str) -> bool:
    """Whether commit ``new`` contains ``old``."""
    return git.ask("merge-base", "--is-ancestor", old, new).code == 0


def exclude(person: Git, pattern: str, probe: str) -> None:
    """Have git overlook ``pattern``, in the repository's own exclude file, not in .gitignore.

    Nothing is written when ``probe``, a path that the pattern is for, is ignored already.
    """
    if person.ask("check-ignore", "--quiet", "--no-index", "--", probe).code == 0:
        return
    file = person.cwd / person.do("rev-parse", "--git-path", "info/exclude")
    try:
        file.parent.mkdir(exist_ok=True)
        with file.open("a+", encoding="utf-8", errors="surrogateescape", newline="") as handle:
            handle.seek(0)
            text = handle.read()
            handle.write(("" if text.endswith("\n") or not text else "\n") + pattern + "\n")
    except OSError as error:
        raise refused(file, error) from error


def _refuse_elsewhere(person: Git, ref: str, branch: str, at: Path) -> None:
    """Stop when another checkout than ours is on the branch: moving it would pull it away."""
    place = Path()
    for line in person.do("worktree", "list", "--porcelain").split("\n"):
        key, _, value = line.partition(" ")
        if key == "worktree":
            place = Path(value)
        elif key == "branch" and value == ref and place != at and place.exists():
            raise WaitsForPerson(
                f"the branch {branch} is checked out at {place}, and specmill commits to it",
                "Switch that checkout to another branch (git switch -), then run again.",
            )


def marker(at: Path) -> Path:
    """Says that ``at`` is ours; beside it, so that it outlives half-made and half-deleted ones."""
    return at.with_name(at.name + _MARKER)


def _refuse_foreign(at: Path) -> None:
    occupied = at.is_symlink() or at.is_file() or (at.is_dir() and any(at.iterdir()))
    if occupied and not marker(at).is_file():
        raise WaitsForPerson(
            f"{at}: there is something that specmill did not make, where its worktree belongs",
            "Move it away, then run again.",
        )


def _start(person: Git, ref: str, head: str | None) -> _Start:
    tip = resolve(person, ref)
    if tip is None:
        return _Start(head or _first_commit(person), 0, True)
    if head is None:
        return _Start(tip, 0, True)
    if is_ancestor(person, tip, head):
        return _Start(head, 0, True)
    behind = int(person.do("rev-list", "--count", f"{tip}..{head}"))
    related = person.ask("merge-base", tip, head).code == 0
    return _Start(tip, behind, related)


def _first_commit(git: Git) -> str:
    """A commit without files and without parents, for a repository that has no commit yet."""
    # Not a constant: its name depends on the repository's hash function.
    tree = git.do("hash-object", "-t", "tree", "-w", "--stdin")
    return commit_tree(git, tree, (), "Start of what specmill commits\n")


def commit_tree(git: Git, tree: str, parents: tuple[str, ...], message: str) -> str:
    """Make a commit object, unsigned, by whom git knows, else by specmill; returns its name."""
    identity: list[str] = []
    for key, value in (("user.name", "specmill"), ("user.email", "specmill@localhost")):
        known = git.ask("config", "--get", key).out.strip()
        if not known and not (key == "user.email" and os.environ.get("EMAIL")):
            identity += ["-c", f"{key}={value}"]
    flags = [part for parent in parents for part in ("-p", parent)]
    return git.do(
        *identity, "commit-tree", *flags, "-F", "-", tree,
        data=message.encode("utf-8"),
    )  # fmt: skip


def _reset(ours: Git, person: Git, ref: str, tip: str) -> bool:
    """Bring an existing worktree of ours to the tip; False when it has to be made anew."""
    if not (ours.cwd / ".git").is_file():
        return False
    as_it_was = (
        _common_folder(ours) == _common_folder(person)
        and ours.ask("rev-parse", "--show-toplevel").text == os.fspath(ours.cwd)
        and ours.ask("symbolic-ref", "--quiet", "HEAD").text == ref
    )
    return (
        as_it_was
        and ours.ask("reset", "--quiet", "--hard", tip).code == 0
        and ours.ask("clean", "--quiet", "-ffdx").code == 0
    )


def _common_folder(git: Git) -> Path:
    return (git.cwd / git.ask("rev-parse", "--git-common-dir").text).resolve()


def _make(person: Git, branch: str, at: Path, tip: str) -> None:
    ref = f"refs/heads/{branch}"
    _clear(at, branch)
    # A killed run may have left its registration, which git keeps locked while it makes one.
    person.ask("worktree", "remove", "--force", "--force", os.fspath(at))
    person.do("worktree", "prune")
    before = resolve(person, ref)
    if before != tip:
        person.do("update-ref", "-m", "specmill: start", ref, tip, before or "")
    replace(person, options=CHECKOUT).do("worktree", "add", "--quiet", os.fspath(at), branch)


def _clear(at: Path, branch: str) -> None:
    try:
        at.parent.mkdir(parents=True, exist_ok=True)
        marker(at).write_text(f"{branch}\n", encoding="utf-8")
        if at.is_dir() and not at.is_symlink():
            shutil.rmtree(at)
        else:
            at.unlink(missing_ok=True)
    except OSError as error:
        raise refused(at, error) from error


def refused(path: Path, error: OSError) -> ProgramMissing:
    """What to raise when the system refuses to change ``path``."""
    reason = (error.strerror or str(error)).lower()
    return ProgramMissing(
        f"cannot write {path}: {reason}", "Check the permissions and the space of that disk."
    )
