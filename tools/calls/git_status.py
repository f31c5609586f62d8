"""Says what is not committed."""

from __future__ import annotations

from tools.calls._output import shaped
from tools.calls._repo import opened
from tools.desk import Desk, ToolResult
from tools.guarded import is_internal

EFFECT = "read"


def git_status(desk: Desk) -> ToolResult:
    """Show the branch and what is not committed, as git status --short has it."""
    repo = opened(desk)
    changes = repo.status()
    lines = [f"{how} {path}" for path, how in sorted(changes.items()) if not is_internal(path)]
    branch = repo.branch() or "a detached HEAD"
    return shaped(desk, "status", "\n".join([f"on {branch}", *(lines or ["[nothing to commit]"])]))
