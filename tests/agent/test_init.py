from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.init import init_workspace
from tests.agent.conftest import Cli
from tests.agent.support import git


def snapshot(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and ".git" not in path.relative_to(root).parts
    }


def test_an_empty_folder_becomes_a_workspace(
    tmp_path: Path, run_cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run_cli("init", str(tmp_path / "new" / "platform"))
    assert result.exit_code == 0, result.stderr
    root = tmp_path / "new" / "platform"
    for path in (
        "specmill.toml",
        "specs/dim_order.yaml",
        "specs/data/order.csv",
        "workflows/build-pipeline.md",
        ".github/workflows/specmill.yml",
    ):
        assert (root / path).is_file(), path
    assert list((root / "constitution").glob("*.md"))
    assert ".specmill/" in (root / ".gitignore").read_text().splitlines()
    assert git(root, "status", "--short").startswith("??")
    assert "specmill run specs/dim_order.yaml" in result.stdout
    monkeypatch.chdir(root)
    checked = run_cli("check")
    assert checked.exit_code == 0, checked.stdout


def test_nothing_that_is_there_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "dim_order.yaml").write_text("mine\n")
    (tmp_path / ".gitignore").write_text("dist/")
    made = init_workspace(tmp_path)
    assert (tmp_path / "specs" / "dim_order.yaml").read_text() == "mine\n"
    assert made.kept == ("specs/dim_order.yaml",)
    assert (tmp_path / ".gitignore").read_text() == "dist/\n.specmill/\n"


def test_twice_is_as_once(tmp_path: Path, run_cli: Cli) -> None:
    init_workspace(tmp_path)
    before = snapshot(tmp_path)
    result = run_cli("init", str(tmp_path), "--json")
    document = json.loads(result.stdout)
    assert document["made"] == []
    assert document["kept"] == []
    assert document["git_init"] is False
    assert snapshot(tmp_path) == before


def test_inside_a_repository_no_other_one_is_made(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    made = init_workspace(tmp_path / "data")
    assert not made.repository
    assert not (tmp_path / "data" / ".git").exists()


def test_a_file_is_no_folder(tmp_path: Path, run_cli: Cli) -> None:
    (tmp_path / "file").write_text("")
    result = run_cli("init", str(tmp_path / "file"))
    assert result.exit_code == 2
    assert "is a file" in result.stderr
