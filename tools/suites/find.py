"""Which tests a folder has: those of a dbt project, or those that pytest collects."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tools.errors import UsageError
from tools.suites.base import Kind

_SKIPPED = frozenset(
    "dbt_packages dbt_modules target node_modules venv site-packages __pycache__ build dist".split()
)
_DEPTH = 3


@dataclass(frozen=True)
class Project:
    """A project whose tests can be run.

    Args:
        kind: by what.
        folder: where they are run.
        because: what told so.
        also: another kind that the same folder has.
    """

    kind: Kind
    folder: Path
    because: str
    also: Kind | None = None


def find_project(folder: Path, wanted: Kind | None = None) -> Project:
    """The project in a folder, or the only one a few folders below it.

    Args:
        folder: where to look.
        wanted: look for this kind alone.

    Raises:
        UsageError: there is no such folder, no project, or more than one.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder", "name the folder of a dbt or pytest project")
    root = folder.resolve()
    dbt = [] if wanted == "pytest" else list(_dbt_projects(root))
    tests = "" if wanted == "dbt" else _pytest_sign(root)
    if len(dbt) > 1 and not (tests and wanted is None):
        names = ", ".join(path.relative_to(root).as_posix() or "." for path in dbt)
        raise UsageError(f"{folder} holds {len(dbt)} dbt projects: {names}", "name one of them")
    if dbt and (dbt[0] == root or not tests):
        found = dbt[0] / "dbt_project.yml"
        because = found.relative_to(root).as_posix()
        return Project("dbt", dbt[0], because, "pytest" if tests else None)
    if tests:
        return Project("pytest", root, tests, "dbt" if dbt else None)
    lacks = f"no {wanted} project" if wanted else "neither a dbt project nor tests for pytest"
    raise UsageError(
        f"{folder} holds {lacks}", "name the folder that holds dbt_project.yml, or test_*.py files"
    )


def _dbt_projects(root: Path) -> Iterator[Path]:
    """Folders with a dbt_project.yml; what is below one belongs to it."""
    for place, folders, files in _walk(root):
        if "dbt_project.yml" in files:
            folders.clear()
            yield place


def _pytest_sign(root: Path) -> str:
    """The file that says that pytest is used here; empty if none does."""
    for name, pattern in (
        ("pytest.ini", ""),
        ("pytest.toml", ""),
        (".pytest.ini", ""),
        ("tox.ini", r"^\[pytest\]"),
        ("setup.cfg", r"^\[tool:pytest\]"),
    ):
        file = root / name
        if file.is_file() and re.search(pattern, _text(file), re.MULTILINE):
            return name
    if "pytest" in _tools_of(root / "pyproject.toml"):
        return "pyproject.toml"
    for place, _, files in _walk(root):
        for name in sorted(files):
            if re.fullmatch(r"test_.*\.py|.*_test\.py", name):
                return (place / name).relative_to(root).as_posix()
    return ""


def _tools_of(file: Path) -> dict[str, object]:
    try:
        tools = tomllib.loads(_text(file)).get("tool", {})
    except tomllib.TOMLDecodeError:
        return {}
    return tools if isinstance(tools, dict) else {}


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _walk(root: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    for place, folders, files in os.walk(root):
        here = Path(place)
        deep = len(here.relative_to(root).parts) >= _DEPTH
        folders[:] = sorted(
            f for f in folders if not deep and not f.startswith(".") and f not in _SKIPPED
        )
        yield here, folders, files
