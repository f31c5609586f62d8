"""Golden files: what a generator is expected to write, kept as files that people read in a diff.

``SPECMILL_REGOLD=1 pytest ...`` writes them anew; look at the diff before you commit it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def check(folder: Path, made: Mapping[str, str]) -> None:
    """Compares texts by relative path with the files of a folder, both ways."""
    if os.environ.get("SPECMILL_REGOLD"):
        for old in [p for p in folder.rglob("*") if p.is_file()]:
            old.unlink()
        for path, text in made.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
    kept = {
        p.relative_to(folder).as_posix(): p.read_text(encoding="utf-8")
        for p in folder.rglob("*")
        if p.is_file()
    }
    assert sorted(kept) == sorted(made)
    for path, text in made.items():
        assert text == kept[path], f"{path} differs from its golden file"
