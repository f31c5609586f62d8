"""The cage of programs that a tool runs: the work tree, less what may not be changed or seen."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from tools import confine
from tools.confine import Cage
from tools.desk import Desk
from tools.guarded import is_internal, is_secret

_SKIPPED = frozenset({"node_modules", "__pycache__", ".venv", "venv", "target", "dbt_packages"})
_MOST = 50_000
"""Files that are looked at; a tree with more is one of data."""


def cage_for(
    desk: Desk,
    *,
    writable: tuple[Path, ...] = (),
    readable: tuple[Path, ...] = (),
    lasting: bool = False,
) -> Cage:
    """The cage for programs on a desk.

    Args:
        desk: the desk; what it refuses to be written is read-only, what it hides is empty.
        writable: folders outside of the tree that the program may write.
        readable: folders that it needs and that would be hidden.
        lasting: for a program that runs for long. It would go on to see a file as it was when the
            cage was made, so only whole folders are read-only for it.
    """
    root = desk.root.resolve()
    frozen, masked = [], []
    for place, name in _places(root):
        if is_secret(name) or (desk.hides(name) and place.is_file()):
            masked.append(place)
        elif is_internal(name) or desk.refuses(name):
            if place.is_dir() or not lasting:
                frozen.append(place)
        elif place.is_dir() and desk.refuses(f"{name}/a"):
            frozen.append(place)  # a whole folder: nothing new may come into it either
    return Cage(root, tuple(frozen), writable, tuple(masked), readable)


def _places(root: Path) -> Iterator[tuple[Path, str]]:
    """Files and folders with their names below the root; internals are not looked into."""
    seen = 0
    for at, folders, names in os.walk(root):
        here = Path(at)
        for name in (*folders, *names):
            yield here / name, (here / name).relative_to(root).as_posix()
        folders[:] = [d for d in folders if d not in _SKIPPED and not is_internal(d)]
        seen += len(names)
        if seen > _MOST:
            return


def note() -> str:
    """What a result has to say about how its program ran; empty when it was confined."""
    why = confine.why_not()
    return f"[not confined: {why}; it could reach the whole machine]" if why else ""
