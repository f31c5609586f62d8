"""What a repair may not touch, since it would prove itself right.

By path: tests, what they expect, and what configures them. By content: tests that stand in
properties files among other things, and macros that tests are made of.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tools.suites.base import Kind
from tools.workflow_steps import PROTECTED, matches_any

_EVERYWHERE = (
    *PROTECTED,
    "specmill.toml",
    "specmill.lock",
    "**/.git*",
    ".gitlab-ci.yml",
    ".circleci/**",
    "azure-pipelines.yml",
    "Jenkinsfile",
    ".pre-commit-config.yaml",
    "**/*_test.py",
    "**/conftest.py",
    "**/pytest.ini",
    "**/.pytest.ini",
    "**/pytest.toml",
    "**/tox.ini",
    "**/setup.cfg",
    "**/pyproject.toml",
    "**/noxfile.py",
    "**/.coveragerc",
    "**/sitecustomize.py",
    "**/usercustomize.py",
    "**/*.pth",
    "**/__snapshots__/**",
    "**/*.snap",
    "**/*.ambr",
    "**/{fixtures,golden,expected,testdata}/**",
    "**/dbt_project.yml",
    "**/profiles.yml",
    "**/packages.yml",
    "**/dependencies.yml",
    "**/package-lock.yml",
    "**/selectors.yml",
    "**/dbt_packages/**",
    "**/dbt_modules/**",
)
_TESTING = re.compile(
    r"\{%-?\s*(?:(?:data_)?test\b|materialization\b|macro\s+\w*test\w*)", re.IGNORECASE
)
_DISABLED = re.compile(r"enabled\s*=\s*false", re.IGNORECASE)
_TEST_KEYS = frozenset({"tests", "data_tests", "constraints", "contract"})
_IDENTITY = ("name", "table", "model")
_PYTHON = frozenset(sys.stdlib_module_names) | {"pytest", "_pytest", "pluggy", "dbt", "py"}


@dataclass(frozen=True)
class Protection:
    """What may not be touched in one project.

    Args:
        kind: of the project.
        globs: paths beside those that are protected everywhere, relative to the work tree.
    """

    kind: Kind
    globs: tuple[str, ...] = ()
    _all: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_all", tuple(_spelled((*_EVERYWHERE, *self.globs))))

    @staticmethod
    def of(kind: Kind, project: Path, top: Path) -> Protection:
        """The protection of a project: dbt says itself where its tests and seeds are."""
        if kind == "pytest":
            return Protection(kind)
        try:
            settings = YAML(typ="safe").load(project / "dbt_project.yml")
        except (OSError, UnicodeDecodeError, YAMLError):
            settings = {}
        prefix = PurePosixPath(project.relative_to(top).as_posix())
        globs = []
        for key, usual in (
            ("seed-paths", "seeds"),
            ("data-paths", "data"),
            ("test-paths", "tests"),
        ):
            named = settings.get(key) if isinstance(settings, dict) else None
            paths = named if isinstance(named, list) else [usual]
            globs += [f"{prefix / str(path)}/**" for path in paths]
        return Protection(kind, tuple(globs))

    def refuses(self, path: str) -> str:
        """Why a file may not be written, by its path; empty if it may."""
        if matches_any(path, self._all):
            return "a repair may not touch tests, what they expect, or what configures them"
        parts = PurePosixPath(path).parts
        first = parts[1] if len(parts) > 1 and parts[0] == "src" else parts[0] if parts else ""
        if self.kind == "pytest" and first.removesuffix(".py") in _PYTHON:
            return f"{first} would stand in for a module of Python or of its tests"
        return ""

    def weakens(self, path: str, before: str, after: str | None) -> str:
        """Why a change of a file weakens the tests, by its content; empty if it does not.

        Args:
            path: the file.
            before: its text before; empty for a new one.
            after: its text now; ``None`` if it is gone.
        """
        if self.kind != "dbt":
            return ""
        if path.endswith((".yml", ".yaml")):
            return _fewer_tests(before, after or "")
        if not path.endswith(".sql"):
            return ""
        if _TESTING.findall(before) != _TESTING.findall(after or "") or (
            _TESTING.search(before) and before != after
        ):
            return "a repair may not change the macros and materializations that tests are made of"
        if _DISABLED.search(after or "") and not _DISABLED.search(before):
            return "a model that is switched off takes its tests with it"
        return ""


def _spelled(globs: tuple[str, ...]) -> Iterator[str]:
    """Globs with their alternatives in braces written out."""
    for glob in globs:
        found = re.fullmatch(r"(.*)\{(.*)\}(.*)", glob)
        if found:
            yield from (f"{found[1]}{part}{found[3]}" for part in found[2].split(","))
        else:
            yield glob


def _fewer_tests(before: str, after: str) -> str:
    try:
        old = _demands(before)
    except YAMLError:
        return ""  # it has to be mended before it demands anything
    try:
        new = _demands(after)
    except YAMLError as error:
        return f"it would no longer be YAML ({' '.join(str(error).split())[:200]})"
    for spot, demand in old.items():
        if new.get(spot) != demand:
            return f"a repair may not change or remove tests: {spot} is not as it was"
    added = [spot for spot in new if spot.startswith("config") and spot not in old]
    return "a repair may not switch anything off" if added else ""


def _demands(text: str) -> dict[str, str]:
    """Each test of a properties file by its place, such as ``orders.order_id.data_tests``."""
    found: dict[str, str] = {}
    if text.strip():
        _collect(YAML(typ="safe").load(text), (), found)
    return found


def _collect(value: Any, place: tuple[str, ...], found: dict[str, str]) -> None:
    if isinstance(value, list):
        for number, item in enumerate(value):
            _collect(item, (*place, _named(item) or str(number)), found)
        return
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        if key in _TEST_KEYS:
            found[".".join((*place, str(key)))] = _text(item)
        elif key == "unit_tests":
            for test in item if isinstance(item, list) else []:
                name = test.get("name") if isinstance(test, dict) else test
                found[f"unit_tests.{name}"] = _text(test)
        elif key == "enabled" and item is False:
            found[".".join(("config", *place))] = "false"
        else:
            _collect(item, (*place, str(key)), found)


def _named(item: Any) -> str:
    """The name of an entry of a list; its number would change when another is added."""
    known = [str(item[key]) for key in _IDENTITY if key in item] if isinstance(item, dict) else []
    return known[0] if known else ""


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
