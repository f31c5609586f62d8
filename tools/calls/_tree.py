"""The files of a work tree that are anybody's to see: no ignored ones, no internals, no secrets."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from pathspec import GitIgnoreSpec

from tools.calls._files import readable
from tools.desk import Desk, ToolError
from tools.guarded import is_internal, is_secret
from tools.repo_git import Git
from tools.workflow_steps import matches_any

_LONGEST_GLOB = 200
_MOST_STARS = 8


def files(desk: Desk, path: str = ".") -> list[str]:
    """The files below a folder (or the one file), relative to the root, sorted.

    Links are left out: what they lead to is listed where it is, or is not in the tree.

    Raises:
        ToolError: there is no such folder, or it may not be seen.
    """
    place = readable(desk, path)
    root = desk.root.resolve()
    if place.is_file():
        return [place.relative_to(root).as_posix()]
    inside = place.relative_to(root).as_posix()
    known = _of_git(root, inside)
    found = _walked(root, place) if known is None else known
    return sorted(
        name
        for name in set(found)
        if not is_internal(name) and not is_secret(name) and not desk.hides(name)
        if (root / name).is_file() and not (root / name).is_symlink()
    )


def matching(names: list[str], glob: str) -> list[str]:
    """The files whose path matches a glob.

    Raises:
        ToolError: the glob is one that would take for ever.
    """
    plain = re.sub(r"(\*\*/)+", "**/", glob)
    if len(plain) > _LONGEST_GLOB or plain.count("*") > _MOST_STARS:
        raise ToolError(f"the glob {glob[:60]!r} is too complicated: take fewer stars.")
    return [name for name in names if matches_any(name, (plain,))]


def _of_git(root: Path, folder: str) -> list[str] | None:
    """The files that git tracks or would; None where there is no repository."""
    answer = Git(root, ("--literal-pathspecs",)).ask(
        "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", folder
    )
    return answer.text.split("\0")[:-1] if answer.code == 0 else None


def _walked(root: Path, folder: Path) -> Iterator[str]:
    """The files below a folder that no ``.gitignore`` between it and the root names."""
    rules: dict[Path, GitIgnoreSpec] = {}
    for parent in (*reversed(folder.relative_to(root).parents), folder.relative_to(root)):
        _read_rules(root / parent, rules)
    for at, folders, names in os.walk(folder):
        here = Path(at)
        _read_rules(here, rules)
        folders[:] = [d for d in folders if not _ignored(here / d, rules, slash="/")]
        for name in names:
            if not _ignored(here / name, rules):
                yield (here / name).relative_to(root).as_posix()


def _read_rules(folder: Path, rules: dict[Path, GitIgnoreSpec]) -> None:
    file = folder / ".gitignore"
    if file.is_file() and not file.is_symlink():
        text = file.read_text(encoding="utf-8", errors="replace")
        rules[folder] = GitIgnoreSpec.from_lines(text.splitlines())


def _ignored(place: Path, rules: dict[Path, GitIgnoreSpec], slash: str = "") -> bool:
    if place.name in (".git", "__pycache__", "node_modules"):
        return True
    return any(
        spec.match_file(place.relative_to(folder).as_posix() + slash)
        for folder, spec in rules.items()
        if place.is_relative_to(folder)
    )
