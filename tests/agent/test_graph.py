"""The path of a run is its workflow's; gates stop it; a checkpoint goes on where it was."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import agent.graph
from agent.graph import NODES, read_state
from agent.runs import CHECKPOINTS, list_runs
from agent.state import RunState
from tests.agent.conftest import Cli
from tests.agent.support import git, make_engine, write_workflow
from tools.errors import BudgetSpent, ProgramMissing, UsageError
from tools.workflow_steps import STEP_CLASSES
from tools.workspace import Workspace

SPEC = Path("specs/orders.yaml")
MAKE = ["name: plan, kind: plan", "name: generate, kind: generate"]


def started(events: list[dict[str, Any]]) -> list[str]:
    return [event["node"] for event in events if event["event"] == "start"]


def test_every_kind_of_step_has_a_node() -> None:
    assert set(NODES) == set(STEP_CLASSES)


def test_a_new_workflow_file_changes_what_runs(workspace: Path) -> None:
    write_workflow(workspace, "build-pipeline", MAKE)
    events: list[dict[str, Any]] = []
    engine = make_engine(workspace, echo=events.append)
    assert engine.start(SPEC).exit_code == 0
    assert started(events) == ["plan", "generate"]

    argv = "[python3, -c, \"import sys; open(sys.argv[1], 'w').write('made')\", '${pipeline}.txt']"
    steps = [*MAKE, f"name: mark, kind: run, argv: {argv}", "name: look, kind: rules"]
    write_workflow(workspace, "marked", steps)
    events.clear()
    engine = make_engine(workspace, echo=events.append, workflow="marked")
    result = engine.start(SPEC)
    assert started(events) == ["plan", "generate", "mark", "look"]
    tree = workspace / result.state["tree"]
    assert (tree / "orders.txt").read_text() == "made"


def test_the_state_is_json_and_nothing_but_the_state_is_kept(
    workspace: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_workflow(workspace, "build-pipeline", MAKE)
    ask = "open_questions: [{about: fct_orders.amount, question: in which currency?}]\n"
    SPEC.write_text(SPEC.read_text() + ask)
    result = make_engine(workspace).start(SPEC)
    assert result.questions
    with caplog.at_level("WARNING"):
        kept = read_state(workspace / ".specmill" / CHECKPOINTS, result.state["run"]).state
    assert not caplog.records, "the checkpoint holds more than JSON"
    assert json.loads(json.dumps(kept)) == kept == result.state
    assert set(kept) <= set(RunState.__annotations__)


def test_a_program_that_fails_is_a_finding(workspace: Path) -> None:
    argv = "[python3, -c, \"print('why'); raise SystemExit(3)\"]"
    write_workflow(workspace, "build-pipeline", [*MAKE, f"name: try, kind: run, argv: {argv}"])
    result = make_engine(workspace).start(SPEC)
    assert result.exit_code == 1
    (finding,) = result.findings
    assert "ended with 3" in finding.message
    assert finding.evidence == "why"
    assert str(finding.location) == "workflows/build-pipeline.md:7"


def test_a_program_that_is_missing_leaves_a_run_that_resumes(workspace: Path) -> None:
    steps = [*MAKE, "name: try, kind: run, argv: [no-such-program]"]
    write_workflow(workspace, "build-pipeline", steps)
    engine = make_engine(workspace)
    with pytest.raises(ProgramMissing, match="no-such-program"):
        engine.start(SPEC)
    (record,) = list_runs(Workspace(workspace))
    assert (record.exit_code, record.node) == (6, "try")
    events: list[dict[str, Any]] = []
    with pytest.raises(ProgramMissing):
        make_engine(workspace, echo=events.append).resume("last")
    assert started(events) == ["try"]


def test_a_spent_budget_of_time_is_exit_code_5(workspace: Path) -> None:
    write_workflow(workspace, "build-pipeline", MAKE, budget="{seconds: 0.000001}")
    with pytest.raises(BudgetSpent, match="1e-06 seconds"):
        make_engine(workspace).start(SPEC)


def test_a_gate_waits_for_exactly_this_content(workspace: Path, run_cli: Cli) -> None:
    gate = "name: agree, kind: gate, of: spec"
    write_workflow(workspace, "build-pipeline", [MAKE[0], gate, MAKE[1]])
    waiting = make_engine(workspace).start(SPEC)
    run = waiting.state["run"]
    assert waiting.exit_code == 3
    assert f"specmill approve {run}" in waiting.remedy
    assert "sales" in waiting.reason
    assert not (workspace / ".specmill" / "work").exists()

    assert make_engine(workspace).resume(run).exit_code == 3
    approved = run_cli("approve", run, "--note", "as discussed")
    assert approved.exit_code == 0, approved.stderr
    assert "Ada <ada@example.org>" in approved.stdout
    done = make_engine(workspace).resume(run)
    assert done.exit_code == 0
    (record,) = done.state["approvals"]
    assert (record["who"], record["note"]) == ("Ada <ada@example.org>", "as discussed")
    assert re.fullmatch("[0-9a-f]{64}", record["sha256"])

    again = make_engine(workspace).start(SPEC)
    assert again.exit_code == 0, "the same spec is approved already"
    SPEC.write_text(SPEC.read_text().replace("lower({status})", "upper({status})"))
    changed = make_engine(workspace).start(SPEC)
    assert changed.exit_code == 3
    assert "changed since it was approved" in changed.reason


def test_a_gate_on_the_code_holds_its_files(
    workspace: Path, run_cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(NODES, "test", lambda state, step, context: {"findings": []})
    gate = "name: agree, kind: gate, of: code, who: the platform team"
    write_workflow(workspace, "build-pipeline", [*MAKE, "name: test, kind: test", gate])
    waiting = make_engine(workspace).start(SPEC)
    assert waiting.exit_code == 3
    assert "generated code of orders waits for the approval of the platform team" in waiting.reason
    assert run_cli("approve", waiting.state["run"]).exit_code == 0
    assert make_engine(workspace).resume("last").exit_code == 0
    SPEC.write_text(SPEC.read_text().replace("owner: sales", "owner: finance"))
    assert make_engine(workspace).start(SPEC).exit_code == 3, "the header holds another digest"


def test_a_spec_is_approved_before_it_runs(workspace: Path, run_cli: Cli) -> None:
    write_workflow(
        workspace, "build-pipeline", [MAKE[0], "name: agree, kind: gate, of: spec", MAKE[1]]
    )
    assert run_cli("approve", str(SPEC), "--who", "Grace").exit_code == 0
    assert make_engine(workspace).start(SPEC).exit_code == 0


def test_a_run_that_waits_for_nothing_is_not_approved(workspace: Path, run_cli: Cli) -> None:
    write_workflow(workspace, "build-pipeline", MAKE)
    make_engine(workspace).start(SPEC)
    result = run_cli("approve", "last")
    assert result.exit_code == 2
    assert "waits for no approval" in result.stderr


def test_the_constitution_may_ask_for_a_gate(workspace: Path) -> None:
    write_workflow(workspace, "build-pipeline", MAKE)
    (workspace / "constitution").mkdir()
    (workspace / "constitution" / "01.md").write_text(
        "# Rules\n\n## A1 Asking {#A1}\nA person sees the spec first.\n\n"
        "```gate\nid: A1.G1\nbefore: generate\n"
        'when: spec.owner == "sales"\nmessage: sales wants to see it\n```\n'
    )
    result = make_engine(workspace).start(SPEC)
    assert result.exit_code == 3
    assert "specmill approve" in result.remedy
    SPEC.write_text(SPEC.read_text().replace("owner: sales", "owner: finance"))
    assert make_engine(workspace).start(SPEC).exit_code == 0


def test_a_run_goes_on_only_with_what_it_began_with(workspace: Path) -> None:
    gate = "name: agree, kind: gate, of: spec"
    write_workflow(workspace, "build-pipeline", [MAKE[0], gate, MAKE[1]])
    run = make_engine(workspace).start(SPEC).state["run"]
    before = SPEC.read_text()
    SPEC.write_text(before.replace("lower({status})", "upper({status})"))
    with pytest.raises(UsageError, match=r"specs/orders\.yaml changed since"):
        make_engine(workspace).resume(run)
    SPEC.write_text(before)
    write_workflow(workspace, "build-pipeline", MAKE)
    with pytest.raises(UsageError, match="the workflow build-pipeline or the gates"):
        make_engine(workspace).resume(run)


def test_a_checkpoint_of_another_version_is_refused(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_workflow(workspace, "build-pipeline", MAKE)
    run = make_engine(workspace).start(SPEC).state["run"]
    monkeypatch.setattr(agent.graph, "GRAPH_VERSION", 99)
    with pytest.raises(UsageError, match="another version of specmill") as caught:
        make_engine(workspace).resume(run)
    assert "specmill run specs/orders.yaml" in caught.value.remedy


def test_a_damaged_checkpoint_file_is_said(workspace: Path, run_cli: Cli) -> None:
    write_workflow(workspace, "build-pipeline", MAKE)
    make_engine(workspace).start(SPEC)
    (workspace / ".specmill" / CHECKPOINTS).write_bytes(b"not a database" * 100)
    result = run_cli("show", "last")
    assert result.exit_code == 6
    assert "runs.sqlite" in result.stderr.replace("\n", "")


def test_a_step_for_a_model_is_left_and_said_at_the_end(workspace: Path) -> None:
    write_workflow(workspace, "build-pipeline", [*MAKE, "name: think, kind: agent"])
    file = workspace / "workflows" / "build-pipeline.md"
    text = file.read_text().replace("steps:", "allowed-tools: [read_file]\nsteps:")
    file.write_text(text + "\n## think\nThink.\n")
    result = make_engine(workspace).start(SPEC)
    assert result.exit_code == 4
    assert "think needs a model" in result.reason
    assert (workspace / result.state["tree"] / "specmill.lock").exists()


def test_runs_of_one_workspace_take_turns(workspace: Path, run_cli: Cli) -> None:
    from tools.workspace import run_lock

    with run_lock(workspace / ".specmill", "run other"), pytest.raises(ProgramMissing) as caught:
        make_engine(workspace).start(SPEC)
    assert "another run is at work" in caught.value.message


def test_without_a_repository_there_is_a_way_on(tmp_path: Path, workspace: Path) -> None:
    write_workflow(workspace, "build-pipeline", MAKE)
    (workspace / ".git").rename(tmp_path / "gone")
    with pytest.raises(ProgramMissing, match="not in a git repository") as caught:
        make_engine(workspace).start(SPEC)
    assert "git init" in caught.value.remedy
    result = make_engine(workspace, commit=False).start(SPEC)
    assert result.exit_code == 0
    assert (workspace / "generated" / "dbt" / "dbt_project.yml").is_file()


def test_the_persons_tree_and_index_are_left_alone(workspace: Path) -> None:
    write_workflow(workspace, "build-pipeline", MAKE)
    git(workspace, "add", ".")
    (workspace / "notes.txt").write_text("mine")
    before = git(workspace, "status", "--porcelain"), git(workspace, "rev-parse", "HEAD")
    make_engine(workspace).start(SPEC)
    assert (git(workspace, "status", "--porcelain"), git(workspace, "rev-parse", "HEAD")) == before
