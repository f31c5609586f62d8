from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cases import each
from tools.suites.protected import Protection

CASES = Path(__file__).parents[1] / "cases" / "protected.yaml"


@pytest.fixture
def dbt(tmp_path: Path) -> Protection:
    (tmp_path / "dbt_project.yml").write_text("name: a\nseed-paths: [raw]\n")
    return Protection.of("dbt", tmp_path, tmp_path)


@each(CASES)
def test_a_change(dbt: Protection, case: dict[str, Any]) -> None:
    path = case["path"]
    said = dbt.refuses(path) or dbt.weakens(path, case["before"], case["after"])
    assert (case["says"] in said) if case["says"] else said == ""


def test_seeds_of_a_project_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "dbt_project.yml").write_text("name: a\n")
    protection = Protection.of("dbt", tmp_path / "t", tmp_path)
    assert protection.refuses("t/seeds/a.csv")
    assert not protection.refuses("seeds/a.csv")


def test_a_project_file_that_is_broken_protects_the_usual_folders(tmp_path: Path) -> None:
    (tmp_path / "dbt_project.yml").write_text("a: [")
    assert Protection.of("dbt", tmp_path, tmp_path).refuses("seeds/a.csv")


@pytest.mark.parametrize(
    ("path", "refused"),
    [
        ("src/shop/__init__.py", False),
        ("shop/json.py", False),
        ("json.py", True),
        ("src/json/__init__.py", True),
        ("_pytest/runner.py", True),
        ("shop/conftest.py", True),
        ("shop/test_a.py", True),
        ("shop/a_test.py", True),
        ("setup.cfg", True),
        ("a.pth", True),
        ("../outside.py", True),
        ("shop/__snapshots__/a.ambr", True),
    ],
)
def test_paths_of_a_pytest_project(path: str, refused: bool) -> None:
    assert bool(Protection("pytest").refuses(path)) == refused
