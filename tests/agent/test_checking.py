"""check, plan and the dry run say what there is to say, and write nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.agent.conftest import Cli
from tests.agent.support import make_engine, write_workflow

SPEC = Path("specs/orders.yaml")
MODEL = "generated/dbt/models/marts/fct_orders.sql"


def everything(root: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in root.rglob("*") if p.is_file()}


@pytest.mark.parametrize(
    "args",
    [
        ["check"],
        ["check", str(SPEC)],
        ["plan", str(SPEC)],
        ["plan", str(SPEC), "--as", "table"],
        ["run", str(SPEC), "--dry-run"],
        ["runs"],
        ["workflow", "show", "build-pipeline"],
        ["constitution", "coverage"],
    ],
)
def test_nothing_is_written(workspace: Path, run_cli: Cli, args: list[str]) -> None:
    before = everything(workspace)
    result = run_cli(*args)
    assert result.exit_code == 0, result.stderr
    assert everything(workspace) == before


def test_check_counts_what_it_looked_at(workspace: Path, run_cli: Cli) -> None:
    assert "1 spec, " in run_cli("check").stdout
    document = json.loads(run_cli("check", "--json").stdout)
    assert document["ok"] is True
    assert document["counts"]["specs"] == 1
    assert document["counts"]["rules"] > 10
    assert document["counts"]["workflows"] > 3


def test_check_looks_between_specs(workspace: Path, run_cli: Cli) -> None:
    twin = SPEC.read_text().replace("pipeline: orders", "pipeline: twin")
    (workspace / "specs" / "twin.yaml").write_text(twin)
    for args in (["check"], ["check", "specs/twin.yaml"]):
        result = run_cli(*args)
        assert result.exit_code == 1
        assert "fct_orders is already made by" in " ".join(result.stdout.split())


def test_the_plan_as_a_tree_a_table_and_json(workspace: Path, run_cli: Cli) -> None:
    tree = run_cli("plan", str(SPEC)).stdout
    assert "orders 1.0.0  13 files, all compiled from the spec" in tree
    assert "└── dbt/" in tree
    table = run_cli("plan", str(SPEC), "--as", "table").stdout
    assert "dbt_staging" in table
    document = json.loads(run_cli("plan", str(SPEC), "--as", "json").stdout)
    assert {step["how"] for step in document["plan"]["steps"]} == {"compiled"}
    assert MODEL in {step["path"] for step in document["plan"]["steps"]}


def test_what_needs_a_model_is_planned_and_shown(workspace: Path, run_cli: Cli) -> None:
    rule = '    rules: ["the best order of a customer"]\n'
    SPEC.write_text(SPEC.read_text() + rule)
    result = run_cli("plan", str(SPEC))
    assert "1 to be authored by a model" in result.stdout
    assert "authored  prose rule: the best order" in result.stdout


def test_the_dry_run_compares_with_what_is_there(workspace: Path, run_cli: Cli) -> None:
    def changes() -> dict[str, str]:
        done = run_cli("run", str(SPEC), "--dry-run", "--no-commit", "--json")
        return {f["path"]: f["change"] for f in json.loads(done.stdout)["files"]}

    assert set(changes().values()) == {"new"}
    write_workflow(
        workspace, "build-pipeline", ["name: plan, kind: plan", "name: generate, kind: generate"]
    )
    make_engine(workspace, commit=False).start(SPEC)
    assert set(changes().values()) == {"same"}
    SPEC.write_text(SPEC.read_text().replace("lower(", "upper("))
    assert changes()[MODEL] == "changed"
    with (workspace / MODEL).open("a") as stream:
        stream.write("-- mine\n")
    assert changes()[MODEL] == "edited"


def test_open_questions_keep_a_spec_from_production_only(workspace: Path) -> None:
    write_workflow(workspace, "build-pipeline", ["name: plan, kind: plan"])
    SPEC.write_text(
        SPEC.read_text()
        + "targets: {warehouse: {platform: snowflake}}\n"
        + "open_questions: [{about: amount, question: which currency?, assumption: EUR}]\n"
    )
    stopped = make_engine(workspace, target="warehouse").start(SPEC)
    assert stopped.exit_code == 3
    assert "1 open question keeps specs/orders.yaml from the target warehouse" in stopped.reason
    assert [f.message for f in stopped.findings] == ["which currency?"]
    assert make_engine(workspace).start(SPEC).exit_code == 0
    blocks = SPEC.read_text().replace("assumption: EUR", "blocks: build")
    SPEC.write_text(blocks)
    assert make_engine(workspace).start(SPEC).exit_code == 3
