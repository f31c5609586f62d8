"""What a person edited by hand is never overwritten; what a run wrote always may be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent.result import Result
from tests.agent.conftest import Cli
from tests.agent.support import git, make_engine, write_workflow

SPEC = Path("specs/orders.yaml")
MODEL = "generated/dbt/models/marts/fct_orders.sql"
OTHER = "generated/dbt/models/marts/fct_orders.yml"


@pytest.fixture(autouse=True)
def _short(workspace: Path) -> None:
    write_workflow(
        workspace, "build-pipeline", ["name: plan, kind: plan", "name: generate, kind: generate"]
    )


def start(workspace: Path, *, commit: bool) -> Result:
    return make_engine(workspace, commit=commit).start(SPEC)


def files(root: Path) -> dict[str, str]:
    return {
        path.relative_to(root).as_posix(): path.read_text()
        for path in [*(root / "generated").rglob("*"), root / "specmill.lock"]
        if path.is_file()
    }


def committed(workspace: Path, result: Result) -> Path:
    """The work tree of a run with everything committed, as the commit step does."""
    tree = workspace / result.state["tree"]
    git(tree, "add", "-A")
    git(tree, "commit", "--quiet", "-m", "generated")
    return tree


def test_the_same_spec_gives_the_same_bytes(workspace: Path) -> None:
    start(workspace, commit=False)
    before = files(workspace)
    result = start(workspace, commit=False)
    assert files(workspace) == before
    assert {file["change"] for file in result.state["files"]} == {"same"}


def test_the_spec_goes_with_its_code(workspace: Path) -> None:
    result = start(workspace, commit=True)
    tree = workspace / result.state["tree"]
    assert (tree / SPEC).read_text() == SPEC.read_text()
    lock = json.loads((tree / "specmill.lock").read_text())
    assert lock["specs"]["orders"]["path"] == "specs/orders.yaml"
    assert set(lock["files"]) == {file["path"] for file in result.state["files"]}


def test_a_file_that_is_no_longer_made_goes(workspace: Path) -> None:
    start(workspace, commit=False)
    SPEC.write_text(SPEC.read_text().replace("fct_orders", "fct_sales"))
    result = start(workspace, commit=False)
    assert not (workspace / MODEL).exists()
    removed = {f["path"] for f in result.state["files"] if f["change"] == "removed"}
    assert removed == {MODEL, OTHER}
    assert MODEL not in (workspace / "specmill.lock").read_text()


def test_a_deleted_file_is_made_again(workspace: Path) -> None:
    start(workspace, commit=False)
    (workspace / MODEL).unlink()
    assert start(workspace, commit=False).exit_code == 0
    assert (workspace / MODEL).is_file()


def test_an_edited_file_stops_the_run_and_is_kept(workspace: Path, run_cli: Cli) -> None:
    start(workspace, commit=False)
    generated = (workspace / MODEL).read_text()
    edited = generated + "-- mine\n"
    (workspace / MODEL).write_text(edited)
    before = files(workspace)
    result = start(workspace, commit=False)
    assert result.exit_code == 3
    (finding,) = result.findings
    assert finding.location is not None
    assert finding.location.path == MODEL
    assert "+-- mine" in finding.evidence
    assert f"specmill adopt {MODEL}" in result.remedy
    assert f"specmill restore {MODEL}" in result.remedy
    assert files(workspace) == before

    restored = run_cli("restore", MODEL, "--json")
    assert restored.exit_code == 0, restored.stderr
    assert (workspace / MODEL).read_text() == generated
    saved = json.loads(restored.stdout)["saved"]
    assert (workspace / saved).read_text() == edited
    assert make_engine(workspace, commit=False).resume(result.state["run"]).exit_code == 0


def test_an_adopted_model_is_custom_code_from_then_on(workspace: Path, run_cli: Cli) -> None:
    start(workspace, commit=False)
    with (workspace / MODEL).open("a") as stream:
        stream.write("-- mine\n")
    adopted = run_cli("adopt", MODEL)
    assert adopted.exit_code == 0, adopted.stderr
    custom = workspace / "custom" / "models" / "marts" / "fct_orders.sql"
    assert custom.read_text().endswith("-- mine\n")
    assert "custom: {sql_file: custom/models/marts/fct_orders.sql}" in SPEC.read_text()
    result = start(workspace, commit=False)
    assert result.exit_code == 0, result.findings
    assert not (workspace / MODEL).exists()
    assert custom.read_text().endswith("-- mine\n")


def test_what_is_no_model_by_itself_is_not_adopted(workspace: Path, run_cli: Cli) -> None:
    start(workspace, commit=False)
    with (workspace / OTHER).open("a") as stream:
        stream.write("# mine\n")
    adopted = run_cli("adopt", OTHER)
    assert adopted.exit_code == 2
    assert f"specmill restore {OTHER}" in " ".join(adopted.stderr.split())
    assert not (workspace / "custom").exists()


@pytest.mark.parametrize("way", ["restore", "adopt"])
def test_an_edit_on_the_branch_stops_the_run_too(workspace: Path, run_cli: Cli, way: str) -> None:
    tree = committed(workspace, start(workspace, commit=True))
    with (tree / MODEL).open("a") as stream:
        stream.write("-- from a colleague\n")
    git(tree, "commit", "--quiet", "-am", "edited")
    stopped = start(workspace, commit=True)
    assert stopped.exit_code == 3
    assert "+-- from a colleague" in next(iter(stopped.findings)).evidence
    decided = run_cli(way, MODEL)
    assert decided.exit_code == 0, decided.stderr
    result = start(workspace, commit=True)
    assert result.exit_code == 0, result.findings
    custom = workspace / result.state["tree"] / "custom" / "models" / "marts" / "fct_orders.sql"
    assert custom.is_file() == (way == "adopt")
    assert (workspace / result.state["tree"] / MODEL).is_file() == (way == "restore")


def test_an_edit_in_the_persons_own_tree_stops_the_run(workspace: Path) -> None:
    committed(workspace, start(workspace, commit=True))
    git(workspace, "merge", "--quiet", "specmill/orders")
    with (workspace / MODEL).open("a") as stream:
        stream.write("-- mine\n")
    result = start(workspace, commit=True)
    assert result.exit_code == 3
    assert (workspace / MODEL).read_text().endswith("-- mine\n")


def test_a_file_that_was_there_before_is_in_the_way(workspace: Path) -> None:
    (workspace / MODEL).parent.mkdir(parents=True)
    (workspace / MODEL).write_text("select 1")
    result = start(workspace, commit=False)
    assert result.exit_code == 3
    assert "move it away" in result.remedy
    assert (workspace / MODEL).read_text() == "select 1"


def test_what_a_killed_run_wrote_is_no_edit(workspace: Path) -> None:
    start(workspace, commit=False)
    lock = (workspace / "specmill.lock").read_text()
    SPEC.write_text(SPEC.read_text().replace("lower(", "upper("))
    start(workspace, commit=False)
    (workspace / "specmill.lock").write_text(lock)  # killed before the lock was written
    SPEC.write_text(SPEC.read_text().replace("upper(", "trim("))
    assert start(workspace, commit=False).exit_code == 0


def test_line_ends_of_a_checkout_are_no_edit(workspace: Path) -> None:
    start(workspace, commit=False)
    text = (workspace / MODEL).read_bytes().replace(b"\n", b"\r\n")
    (workspace / MODEL).write_bytes(text)
    assert start(workspace, commit=False).exit_code == 0


def test_what_the_spec_reads_from_others_comes_along(workspace: Path) -> None:
    (workspace / "specs" / "top.yaml").write_text(
        "pipeline: top\nowner: sales\nmodels:\n"
        "  - name: top_orders\n    grain: [order_id]\n    from: fct_orders\n"
        "    columns:\n      - {name: order_id, type: bigint, nullable: false}\n"
    )
    result = make_engine(workspace).start(Path("specs/top.yaml"))
    assert result.exit_code == 0, result.findings
    tree = workspace / result.state["tree"]
    assert (tree / MODEL).is_file()
    lock = json.loads((tree / "specmill.lock").read_text())
    assert set(lock["specs"]) == {"orders", "top"}
    assert lock["files"][MODEL]["owners"] == ["orders"]
