from __future__ import annotations

from pathlib import Path

import pytest

from tools.errors import UsageError
from tools.suites.base import Kind
from tools.suites.find import find_project


def lay(root: Path, *files: str) -> Path:
    for name in files:
        path, _, text = name.partition("=")
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "wanted", "kind", "folder", "because", "also"),
    [
        (["dbt_project.yml"], None, "dbt", ".", "dbt_project.yml", None),
        (["t/dbt_project.yml"], None, "dbt", "t", "t/dbt_project.yml", None),
        (["dbt_project.yml", "x/dbt_project.yml"], None, "dbt", ".", "dbt_project.yml", None),
        (["dbt_packages/u/dbt_project.yml", "pytest.ini"], None, "pytest", ".", "pytest.ini", None),
        (["tests/test_a.py"], None, "pytest", ".", "tests/test_a.py", None),
        (["a_test.py"], None, "pytest", ".", "a_test.py", None),
        (["pyproject.toml=[tool.pytest.ini_options]"], None, "pytest", ".", "pyproject.toml", None),
        (["tox.ini=[pytest]"], None, "pytest", ".", "tox.ini", None),
        (["setup.cfg=[tool:pytest]"], None, "pytest", ".", "setup.cfg", None),
        (["dbt_project.yml", "pytest.ini"], None, "dbt", ".", "dbt_project.yml", "pytest"),
        (["t/dbt_project.yml", "pytest.ini"], None, "pytest", ".", "pytest.ini", "dbt"),
        (["t/dbt_project.yml", "pytest.ini"], "dbt", "dbt", "t", "t/dbt_project.yml", None),
        (["dbt_project.yml", "pytest.ini"], "pytest", "pytest", ".", "pytest.ini", None),
    ],
)
def test_what_a_folder_holds(
    tmp_path: Path,
    *,
    files: list[str],
    wanted: Kind | None,
    kind: str,
    folder: str,
    because: str,
    also: str | None,
) -> None:
    found = find_project(lay(tmp_path, *files), wanted)
    place = found.folder.relative_to(tmp_path).as_posix()
    assert (found.kind, place, found.because, found.also) == (kind, folder, because, also)


@pytest.mark.parametrize(
    ("files", "wanted", "says"),
    [
        ([], None, "neither a dbt project nor tests for pytest"),
        (["setup.cfg=[metadata]", "pyproject.toml=[a"], None, "neither"),
        (["pytest.ini"], "dbt", "no dbt project"),
        (["dbt_project.yml"], "pytest", "no pytest project"),
        (["a/dbt_project.yml", "b/dbt_project.yml"], None, "2 dbt projects: a, b"),
        (["a/b/c/d/dbt_project.yml"], None, "neither"),
    ],
)
def test_nothing_to_run(tmp_path: Path, files: list[str], wanted: Kind | None, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        find_project(lay(tmp_path, *files), wanted)


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such folder"):
        find_project(tmp_path / "x")
