"""Searches in files."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Annotated

from pydantic import Field

from tools import shell
from tools.calls._tree import files, matching
from tools.desk import Desk, ToolError

EFFECT = "read"

SECONDS = 20.0
_PROGRAM = Path(__file__).with_name("_grep.py")


def search(
    desk: Desk,
    pattern: str,
    path: str = ".",
    *,
    glob: str = "**",
    ignore_case: bool = False,
    limit: Annotated[int, Field(ge=1, le=1000)] = 100,
) -> str:
    """Search text files line by line with a regular expression (Python's syntax).

    Gives path:line: text for each line that matches. Files that git ignores are left out.

    Args:
        pattern: The regular expression, such as ref\\(['"]stg_orders.
        path: The folder or file to search, relative to the work tree.
        glob: Only files whose path in the work tree matches, such as **/*.sql.
        ignore_case: Whether upper and lower case are the same.
        limit: How many lines to give at most.
    """
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise ToolError(f"the pattern is no regular expression: {error}") from error
    names = matching(files(desk, path), glob)
    task = {
        "root": str(desk.root.resolve()),
        "files": names,
        "pattern": pattern,
        "ignore_case": ignore_case,
        "limit": limit,
    }
    program = [sys.executable, "-I", str(_PROGRAM)]
    ended = shell.run(program, cwd=desk.root, timeout=SECONDS, input=json.dumps(task))
    if ended.timed_out:
        raise ToolError(
            f"the search took longer than {SECONDS:g} s: take a simpler pattern, or narrow path."
        )
    if ended.code != 0:
        raise RuntimeError(f"the search failed: {ended.stderr}")
    *hits, total = [json.loads(line) for line in ended.stdout.splitlines()]
    if not hits:
        return f"[no line matches in {len(names):,} files]"
    note = [f"[{total - limit:,} more; narrow it with path or glob]"] if total > limit else []
    return "\n".join([*(f"{name}:{number}: {line}" for name, number, line in hits), *note])
