"""Runs a command of the shell."""

from __future__ import annotations

import shutil
from typing import Annotated

from pydantic import Field

from tools import confine
from tools.calls._cage import cage_for, note
from tools.calls._output import shaped
from tools.calls._program import ended_as
from tools.desk import Desk, ToolResult

EFFECT = "run"


def shell(
    desk: Desk, command: str, timeout: Annotated[int, Field(ge=1, le=1800)] = 120
) -> ToolResult:
    """Run a command in bash, in the work tree. For what no other tool does.

    The person is asked each time, unless a rule allows the command. There is no network; outside
    of the work tree nothing can be written, and .git and the files under protection cannot either.
    Each call starts anew: no variable, no change of folder lasts.

    Args:
        command: The command, as typed in bash.
        timeout: Seconds that it may take.
    """
    program = [shutil.which("bash") or "sh", "-c", command]
    ended = confine.run(program, cage_for(desk), timeout=timeout, cancel=desk.cancel)
    first = ended_as(ended, timeout)
    parts = (
        first,
        ended.stdout,
        f"[standard error]\n{ended.stderr}" if ended.stderr else "",
        note(),
    )
    text = "\n".join(part.rstrip("\n") for part in parts if part)
    return shaped(desk, "shell", text, tail=0.6, error=ended.code != 0)


def preview(_desk: Desk, command: str, timeout: int = 120) -> str:
    """The command, and how it would run."""
    return "\n".join(part for part in (command, f"[at most {timeout} s]", note()) if part)
