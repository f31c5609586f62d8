"""The cage of programs that a tool runs: the work tree, less what may not be changed or seen."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

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
    frozen: list[Path] = []
    masked: list[Path] = []
    closed: set[Path] = set()  # folders that are frozen as a whole
    seen = 0
    for at, folders, names in os.walk(root):
        here = Path(at)
        below = "" if here == root else f"{here.relative_to(root).as_posix()}/"
        walked = []
        for number, name in enumerate((*folders, *names)):
            place, folder = here / name, number < len(folders)
            kind = _kind(desk, f"{below}{name}", folder=folder)
            if kind == "masked":
                masked.append(place)
            elif kind == "frozen" and here not in closed and (folder or not lasting):
                frozen.append(place)
            if folder and kind != "masked" and not is_internal(name) and name not in _SKIPPED:
                walked.append(name)  # into frozen ones, too: there may be secrets in them
                closed |= {place} if kind == "frozen" or here in closed else set()
        folders[:] = walked
        seen += len(names)
        if seen > _MOST:
            break
    return Cage(root, tuple(frozen), writable, tuple(masked), readable)


def _kind(desk: Desk, name: str, *, folder: bool) -> Literal["masked", "frozen", "open"]:
    """What a file or folder of the tree is to programs."""
    if is_secret(name) or (desk.hides(name) and not folder):
        return "masked"
    if is_internal(name) or desk.refuses(name):
        return "frozen"
    if folder and desk.refuses(f"{name}/a") and desk.refuses(f"{name}/a/b.c"):
        return "frozen"  # the whole folder: nothing new may come into it either
    return "open"


def note() -> str:
    """What a result has to say about how its program ran; empty when it was confined."""
    why = confine.why_not()
    return f"[not confined: {why}; it could reach the whole machine]" if why else ""
