"""Runs the tests of a Python project."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from pydantic import Field

from tools import confine
from tools.calls._cage import cage_for, note
from tools.calls._files import readable
from tools.calls._output import shaped
from tools.calls._program import ended_as
from tools.desk import Desk, ToolError, ToolResult

EFFECT = "run"


def pytest(
    desk: Desk,
    path: str = ".",
    match: str = "",
    timeout: Annotated[int, Field(ge=1, le=3600)] = 600,
) -> ToolResult:
    """Run pytest in the work tree, without network: the failures and the summary.

    Args:
        path: The folder, the file, or the one test (tests/test_orders.py::test_total) to run.
        match: Only tests whose names match this expression, as pytest's -k has it.
        timeout: Seconds that it may take.
    """
    file, mark, test = path.partition("::")
    if file.startswith("-"):
        raise ToolError("path holds a file or a folder, no options.")
    readable(desk, file)
    options = ["-q", "--no-header", "--color=no", "--tb=short", "-rfE", "-p", "no:cacheprovider"]
    chosen = [f"-k={match}"] if match else []
    program = [_python(desk.root), "-m", "pytest", *options, *chosen, f"./{file}{mark}{test}"]
    ended = confine.run(program, cage_for(desk), timeout=timeout, cancel=desk.cancel)
    parts = (ended.stdout, ended.stderr, ended_as(ended, timeout), note())
    text = "\n".join(part.rstrip("\n") for part in parts if part)
    return shaped(desk, "pytest", text, tail=0.75, error=ended.code != 0)


def _python(root: Path) -> str:
    """The project's own Python where it has one, else ours."""
    for folder in (".venv", "venv"):
        own = root / folder / "bin" / "python"
        if own.exists():
            return str(own)
    return sys.executable
