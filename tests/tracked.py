"""The files of the repo, as git sees them: without what is ignored."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@cache
def tracked() -> tuple[Path, ...]:
    """The paths of tracked and of new files, relative to the root of the repo, sorted."""
    argv = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    out = subprocess.run(argv, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return tuple(sorted(Path(p) for p in out.split("\0") if p and (ROOT / p).is_file()))
