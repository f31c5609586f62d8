"""specmill verify --project DIR: on the command line, with a real dbt."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.agent.conftest import Cli
from tests.agent.support import REPO

SHOP = REPO / "tests" / "tools" / "verify" / "project" / "cases" / "shop"


@pytest.mark.slow
def test_one_model_of_a_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_cli: Cli
) -> None:
    shutil.copytree(SHOP, tmp_path / "shop")
    monkeypatch.chdir(tmp_path)
    files = sorted(p for p in tmp_path.rglob("*"))
    args = ("verify", "--project", "shop", "--select", "events", "--level", "quick")
    result = run_cli(*args)
    assert result.exit_code == 1, result.stderr
    assert "Traceback" not in result.stderr
    assert "events: loading the same rows again changes the table" in result.stdout
    assert "needs a spec" in result.stdout
    assert max(len(line) for line in result.stdout.splitlines()) <= 80
    document = json.loads(run_cli(*args, "--json").stdout)
    assert [m["name"] for m in document["models"]] == ["events"]
    assert document["ok"] is False
    assert sorted(p for p in tmp_path.rglob("*")) == files


@pytest.mark.parametrize(
    ("folder", "message"), [("nowhere", "no such folder"), (".", "no dbt project")]
)
def test_folders_that_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_cli: Cli, folder: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run_cli("verify", "--project", folder)
    assert result.exit_code == 2
    assert message in result.stderr
