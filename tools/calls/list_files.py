"""Lists files."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tools.calls._tree import files, matching
from tools.desk import Desk

EFFECT = "read"


def list_files(
    desk: Desk, path: str = ".", glob: str = "**", limit: Annotated[int, Field(ge=1, le=2000)] = 300
) -> str:
    """List the files below a folder, one path a line. Files that git ignores are left out.

    Args:
        path: The folder, relative to the work tree.
        glob: Only files whose path in the work tree matches, such as models/**/*.sql; a star stays
            within a folder, two stars do not.
        limit: How many files to list at most.
    """
    found = matching(files(desk, path), glob)
    if not found:
        return f"[no file below {path} matches {glob}]"
    left = len(found) - limit
    note = [f"[{left:,} more; narrow it with path or glob]"] if left > 0 else []
    return "\n".join([*found[:limit], *note])
