"""Shows changes."""

from __future__ import annotations

import re

from tools.calls._files import open_text, readable, relative, unified
from tools.calls._output import shaped
from tools.calls._repo import opened
from tools.calls._tree import files
from tools.desk import Desk, ToolError, ToolResult
from tools.guarded import is_secret
from tools.repo_git import Git

EFFECT = "read"


def git_diff(desk: Desk, path: str = ".", against: str = "HEAD") -> ToolResult:
    """Show what has changed in the work tree since a commit, as a unified diff; new files too.

    Args:
        path: The file or folder, relative to the work tree.
        against: The commit, branch or tag to compare with.
    """
    name = relative(desk, path)
    repo = opened(desk)
    if not re.fullmatch(r"[A-Za-z0-9_][\w./~^@{}-]*", against):
        raise ToolError(f"{against!r} names no commit.")
    git = Git(desk.root, ("--literal-pathspecs",))
    answer = git.ask(
        "diff", "--no-color", "--no-ext-diff", "--no-textconv", "--relative", "--name-only", "-z",
        against, "--", name,
    )  # fmt: skip
    if answer.code != 0 and repo.head() is not None:
        raise ToolError(f"git knows no commit {against}")
    changed = [n for n in answer.text.split("\0") if n and not is_secret(n) and not desk.hides(n)]
    parts = [git.do("diff", "--no-color", "--no-ext-diff", "--no-textconv", "--relative", against,
                    "--", *changed)] if changed else []  # fmt: skip
    new = {p for p, letters in repo.status([name]).items() if letters == "??"}
    for added in sorted(new & set(files(desk, name) if readable(desk, name) else ())):
        try:
            parts.append(unified(added, "", open_text(desk, added).plain))
        except ToolError:
            parts.append(f"new file {added}, which is no text")
    return shaped(desk, "diff", "\n".join(parts) or "[no changes]", limit=30_000, tail=0.3)
