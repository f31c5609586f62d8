"""Only what follows from the spec is repaired, a bounded number of times, and never a test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import agent.graph
from agent.nodes.context import Context, Update
from agent.result import Result
from agent.state import RunState
from tests.agent.support import make_engine, write_workflow
from tools.findings import Finding, Fix, Severity
from tools.workflow_model import WorkflowStep

SPEC = Path("specs/orders.yaml")
MODEL = "generated/dbt/models/marts/fct_orders.sql"
PATH = [
    "name: plan, kind: plan",
    "name: generate, kind: generate",
    "name: test, kind: test",
    "name: repair, kind: repair, rounds: 2",
]


def failing(*rounds: Fix | None) -> Any:
    """A test node that fails with these fixes, one a round, and then holds."""
    left = list(rounds)

    def test(state: RunState, step: WorkflowStep, context: Context) -> Update:
        if not left:
            return {"findings": []}
        finding = Finding("X", Severity.ERROR, "wrong", subject="fct_orders", fix=left.pop(0))
        return {"findings": [finding.to_json()]}

    return test


def rename(old: str, new: str, path: str = MODEL) -> Fix:
    return Fix("rename_column", path, {"old": old, "new": new})


def run(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, *rounds: Fix | None, steps: list[str] = PATH
) -> tuple[Result, list[str]]:
    write_workflow(workspace, "build-pipeline", steps)
    monkeypatch.setitem(agent.graph.NODES, "test", failing(*rounds))
    events: list[dict[str, Any]] = []
    result = make_engine(workspace, echo=events.append, commit=False).start(SPEC)
    return result, [event["node"] for event in events if event["event"] == "start"]


def test_a_fix_is_applied_and_the_test_runs_again(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result, path = run(workspace, monkeypatch, rename("amount", "value"))
    assert result.exit_code == 0
    assert path == ["plan", "generate", "test", "repair", "generate", "test"]
    assert "value" in (workspace / MODEL).read_text()
    assert result.state["rounds"] == 1


def test_a_second_round_keeps_the_first_repair(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result, _ = run(workspace, monkeypatch, rename("amount", "value"), rename("status", "stage"))
    text = (workspace / MODEL).read_text()
    assert result.exit_code == 0
    assert "value" in text
    assert "stage" in text


def test_without_a_fix_it_is_exit_code_1(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result, path = run(workspace, monkeypatch, None)
    assert (result.exit_code, path[-1]) == (1, "repair")
    assert "without a fix" in result.reason
    assert [f.message for f in result.findings] == ["wrong"]


def test_the_same_finding_again_is_not_repaired_again(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fix = rename("amount", "value")
    result, path = run(workspace, monkeypatch, fix, fix)
    assert result.exit_code == 1
    assert path.count("repair") == 2
    assert "left after a repair" in result.reason


def test_the_rounds_are_bounded(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fixes = [rename("amount", f"value_{n}") for n in range(5)]
    result, path = run(workspace, monkeypatch, *fixes)
    assert result.exit_code == 5
    assert path.count("generate") == 3
    assert "2 rounds" in result.reason


@pytest.mark.parametrize(
    "path", ["generated/dbt/tests/assert_x.sql", "specs/orders.yaml", "constitution/01.md"]
)
def test_a_repair_of_a_test_or_a_spec_or_a_rule_is_refused(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    before = SPEC.read_text()
    result, nodes = run(workspace, monkeypatch, rename("amount", "value", path))
    assert result.exit_code == 1
    assert nodes[-1] == "repair"
    assert f"{path}, which no repair may touch" in result.reason
    assert SPEC.read_text() == before


def test_a_workflow_forbids_more(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = [*PATH[:-1], "name: repair, kind: repair, may-not-touch: ['**/marts/**']"]
    result, _ = run(workspace, monkeypatch, rename("amount", "value"), steps=steps)
    assert result.exit_code == 1
    assert "no repair may touch" in result.reason


def test_without_a_repair_step_a_failing_test_ends_the_run(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result, path = run(workspace, monkeypatch, rename("amount", "value"), steps=PATH[:-1])
    assert (result.exit_code, path[-1]) == (1, "test")


def test_a_file_that_drifted_during_the_run_is_written_again(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The real test node sees it; nothing is built from it."""
    write_workflow(workspace, "build-pipeline", PATH)
    real = agent.graph.NODES["test"]
    edited: list[str] = []

    def disturbed(state: RunState, step: WorkflowStep, context: Context) -> Update:
        if edited:
            return {"findings": []}
        (context.tree(state) / MODEL).write_text("select 'somebody else'")
        edited.append(MODEL)
        return real(state, step, context)

    monkeypatch.setitem(agent.graph.NODES, "test", disturbed)
    result = make_engine(workspace).start(SPEC)
    assert result.exit_code == 0
    assert "somebody" not in (workspace / result.state["tree"] / MODEL).read_text()
    assert [patch["kind"] for patch in result.state["patches"]] == ["restore_file"]
