"""specmill verify --against REV: real git, real dbt."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.agent.conftest import Cli
from tests.agent.support import git

SPEC = Path("specs/orders.yaml")


def snapshot(root: Path) -> dict[str, bytes]:
    """Every file outside of .git and .specmill."""
    files = (p for p in root.rglob("*") if p.is_file())
    inside = ((p.relative_to(root), p) for p in files)
    return {str(r): p.read_bytes() for r, p in inside if r.parts[0] not in (".git", ".specmill")}


@pytest.mark.slow
def test_a_changed_spec_moves_values_and_the_same_moves_nothing(
    workspace: Path, run_cli: Cli
) -> None:
    assert run_cli("run", str(SPEC), "--no-commit", "--level", "quick").exit_code == 0
    git(workspace, "add", ".")
    git(workspace, "commit", "--quiet", "-m", "code")
    same = run_cli("verify", "--against", "HEAD", "--json")
    assert same.exit_code == 0, same.stderr
    document = json.loads(same.stdout)
    assert document["ok"]
    assert {m["state"] for m in document["pipelines"][0]["models"]} == {"same"}

    SPEC.write_text(SPEC.read_text().replace("lower({status})", "upper({status})"))
    stale = run_cli("verify", "--against", "HEAD")
    assert stale.exit_code == 0
    assert "has changed since its code was generated" in stale.stdout
    assert run_cli("run", str(SPEC), "--no-commit", "--level", "quick").exit_code == 0
    before = snapshot(workspace)
    moved = run_cli("verify", str(SPEC), "--against", "HEAD")
    assert moved.exit_code == 1, moved.stderr
    assert snapshot(workspace) == before
    assert not list(Path(".specmill").glob("against*"))
    assert "fct_orders.status" in moved.stdout
    assert "fct_orders.amount" not in moved.stdout
    assert "its code has changed; rows that show it:" in moved.stdout
    assert max(len(line) for line in moved.stdout.splitlines()) <= 80
    document = json.loads(run_cli("verify", "--against", "HEAD", "--json").stdout)
    (fct,) = (m for m in document["pipelines"][0]["models"] if m["name"] == "fct_orders")
    (column,) = fct["columns"]
    assert column["name"] == "status"
    assert column["before"] == column["after"].lower()
    assert (fct["added"], fct["removed"]) == (0, 0)

    none = run_cli("verify", "--against", "HEAD~1")
    assert none.exit_code == 2
    assert "no generated code of orders at HEAD~1" in none.stderr


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--against", "nowhere"], "names no commit"),
        (["--against", ""], "names no commit"),
        (["--against", "--all"], "names no commit"),
        (["--against", "HEAD:specs"], "names no commit"),
        (["--against", "HEAD", "--explain", "fct_orders"], "does not go with"),
        (["--against", "HEAD"], "no generated code"),
        (["--select", "a"], "--project"),
        (["specs/orders.yaml", "--project", "."], "does not go with it"),
        (["--against", "HEAD", "--fresh"], "takes nothing from former runs"),
        (["--project", ".", "--fresh"], "takes nothing from former runs"),
    ],
)
def test_calls_that_are_wrong(workspace: Path, run_cli: Cli, args: list[str], message: str) -> None:
    result = run_cli("verify", *args)
    assert result.exit_code == 2
    assert message in result.stderr
    assert "→" in result.stderr


def test_without_a_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run_cli: Cli
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run_cli("verify", "--against", "HEAD")
    assert result.exit_code == 2
    assert "there is no earlier code" in result.stderr
