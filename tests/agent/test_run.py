"""The whole of it: real git, real dbt, a workspace that begins empty."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.agent.conftest import Cli
from tests.agent.support import REPO, environment, git, lines, start

pytestmark = pytest.mark.slow
SPEC = "specs/orders.yaml"


def installed(folder: Path) -> Path:
    """The files as the wheel lays them out: packages, and the content inside ``tools``."""
    settings = tomllib.loads((REPO / "pyproject.toml").read_text())
    wheel = settings["tool"]["hatch"]["build"]["targets"]["wheel"]
    ignored = shutil.ignore_patterns("__pycache__")
    for package in wheel["packages"]:
        shutil.copytree(REPO / package, folder / package, ignore=ignored)
    for source, target in wheel["force-include"].items():
        shutil.copytree(REPO / source, folder / target, ignore=ignored)
    return folder


def test_init_and_run_outside_of_the_repository(tmp_path: Path) -> None:
    site = installed(tmp_path / "site")
    work = tmp_path / "empty"
    work.mkdir()
    for args in (["init"], ["run", "specs/dim_order.yaml", "--level", "quick"]):
        done = subprocess.run(
            [sys.executable, "-P", "-m", "agent", *args],
            cwd=work,
            env=environment() | {"PYTHONPATH": str(site)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    assert "specmill/dim_order" in done.stdout
    paths = git(work, "ls-tree", "-r", "--name-only", "specmill/dim_order").splitlines()
    assert "generated/dbt/models/marts/dim_order.sql" in paths
    assert "generated/review/dim_order.md" in paths
    assert "specmill.lock" in paths
    assert not [path for path in paths if path.startswith((".specmill", "workflows"))]


def test_events_verify_show_and_a_second_run(workspace: Path, run_cli: Cli) -> None:
    process = start("run", SPEC, "--json", cwd=workspace)
    out, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert said == ""
    events = lines(out)
    assert events[0]["event"] == "run"
    assert [e["node"] for e in events if e["event"] == "end"] == [
        "plan",
        "generate",
        "test",
        "review",
        "commit",
    ]
    assert events[-1]["event"] == "result"
    tip = git(workspace, "rev-parse", "specmill/orders")
    assert events[-1]["state"]["commit_id"] == tip
    message = git(workspace, "log", "-1", "--format=%B", "specmill/orders")
    assert message.startswith("orders 1.0.0: ")
    assert events[0]["digest"] in message
    assert git(workspace, "branch", "--show-current") == "main"
    assert git(workspace, "status", "--porcelain") == ""

    verified = run_cli("verify", "--level", "quick", "--json")
    assert verified.exit_code == 0, verified.stderr
    (document,) = lines(verified.stdout)
    assert document["tree"] == ".specmill/work/orders"

    again = run_cli("run", SPEC)
    assert again.exit_code == 0
    assert "nothing to commit: specmill/orders holds this already" in again.stdout
    assert git(workspace, "rev-parse", "specmill/orders") == tip
    assert "nothing to commit" in run_cli("show", "last").stdout
    assert len(json.loads(run_cli("runs", "--json").stdout)) == 2


def test_a_failing_test_ends_with_1_and_no_commit(workspace: Path, run_cli: Cli) -> None:
    (workspace / "data" / "order.csv").write_text("order_id,status,amount\n1,a,1\n1,a,1\n")
    result = run_cli("run", SPEC)
    assert result.exit_code == 1, result.stdout
    assert "Traceback" not in result.stderr
    assert "without a fix" in result.stdout
    tip = git(workspace, "rev-parse", "specmill/orders")
    assert tip == git(workspace, "rev-parse", "HEAD")


def test_several_specs_and_what_needs_a_model(workspace: Path, run_cli: Cli) -> None:
    other = Path(SPEC).read_text().replace("pipeline: orders", "pipeline: best")
    other = other.replace("fct_orders", "fct_best")
    Path("specs/best.yaml").write_text(other + '    rules: ["only the best"]\n')
    result = run_cli("run", SPEC, "specs/best.yaml")
    assert result.exit_code == 4, result.stdout
    assert "specmill/orders" in result.stdout
    assert "generated/dbt/models/marts/fct_best.sql needs a model" in result.stdout
    paths = git(workspace, "ls-tree", "-r", "--name-only", "specmill/best").splitlines()
    assert "generated/dbt/models/staging/shop/stg_shop__order.sql" in paths


def test_detached_head_dirty_tree_and_a_branch_that_is_checked_out(
    workspace: Path, run_cli: Cli
) -> None:
    git(workspace, "checkout", "--quiet", "--detach")
    (workspace / "notes.txt").write_text("mine")
    assert run_cli("run", SPEC, "--level", "quick").exit_code == 0
    assert (workspace / "notes.txt").read_text() == "mine"
    shutil.rmtree(workspace / ".specmill" / "work")
    git(workspace, "worktree", "prune")
    git(workspace, "switch", "--quiet", "specmill/orders")
    result = run_cli("run", SPEC, "--level", "quick")
    assert result.exit_code == 3, result.stdout + result.stderr
    assert "git switch -" in result.stdout + result.stderr
