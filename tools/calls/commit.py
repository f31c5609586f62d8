"""Commits files."""

from __future__ import annotations

import re

from tools import shell
from tools.calls._files import relative
from tools.calls._repo import opened
from tools.desk import Desk, ToolError, ToolResult
from tools.guarded import is_secret
from tools.repo import Repo

EFFECT = "commit"

_SHARED = frozenset({"main", "master", "trunk", "develop", "production"})
SECONDS = 600.0


def commit(desk: Desk, message: str, paths: list[str], branch: str = "") -> ToolResult:
    """Commit files on a branch, with the repository's own hooks; nothing else is committed.

    Args:
        message: The commit message: one line that says why, and a body if there is more to say.
        paths: The files and folders to commit, relative to the work tree.
        branch: A new branch for the commit, made from what is checked out. Needed on a branch that
            others share, such as main.
    """
    repo = opened(desk)
    files = _changed(desk, repo, paths)
    if not message.strip():
        raise ToolError("message is empty: say why the change is made.")
    _expect_branch(repo, branch)
    if branch:
        _git(desk, "switch", "--create", branch)
    _git(desk, "add", "--", *files)
    _git(desk, "commit", "--quiet", "--file=-", "--", *files, stdin=message.rstrip() + "\n")
    tip = repo.head() or ""
    return ToolResult(f"committed {len(files)} files as {tip[:10]} on {repo.branch()}")


def preview(desk: Desk, message: str, paths: list[str], branch: str = "") -> str:
    """The message, the branch and the files."""
    repo = opened(desk)
    files = _changed(desk, repo, paths)
    _expect_branch(repo, branch)
    return "\n".join([message.rstrip(), "", f"on {branch or repo.branch()}:", *files])


def _changed(desk: Desk, repo: Repo, paths: list[str]) -> list[str]:
    """The files under the paths that differ from the last commit.

    Raises:
        ToolError: there is none, or one may hold secrets.
    """
    wanted = [relative(desk, path) for path in paths]
    found = sorted(repo.status(wanted)) if wanted else []
    secret = [path for path in found if is_secret(path)]
    if secret:
        raise ToolError(f"{secret[0]} may hold secrets; name the files to commit without it.")
    if not found:
        raise ToolError("nothing has changed under these paths; git_status shows what has.")
    return found


def _expect_branch(repo: Repo, branch: str) -> None:
    if branch and not re.fullmatch(r"[A-Za-z0-9][\w./-]*", branch):
        raise ToolError(f"{branch!r} cannot be the name of a branch.")
    here = repo.branch()
    if not branch and repo.head() and (here is None or here in _SHARED):
        where = f"{here} is shared with others" if here else "no branch is checked out"
        raise ToolError(f"{where}: name a new branch for the commit in branch.")


def _git(desk: Desk, *args: str, stdin: str | None = None) -> None:
    """Runs git as the person would, with their hooks.

    Raises:
        ToolError: git, or a hook, says no.
    """
    program = ["git", "--literal-pathspecs", *args]
    env = {"GIT_TERMINAL_PROMPT": "0", "GIT_EDITOR": "true"}
    ended = shell.run(
        program, cwd=desk.root, timeout=SECONDS, env=env, input=stdin, cancel=desk.cancel
    )
    if ended.code != 0:
        said = f"{ended.stdout}\n{ended.stderr}".strip()
        raise ToolError(f"git {args[0]} failed (exit code {ended.code}): {said[-3000:]}")
