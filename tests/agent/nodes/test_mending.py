"""A repair that needs thought changes models and nothing else, and ends with what the tests say."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import agent.graph
from agent.model.base import Request, Turn
from agent.model.scripted import Scripted, Step, call, say
from agent.nodes.context import Context, Update
from agent.result import Result
from agent.state import RunState
from tests.agent.support import make_engine, write_workflow
from tools.findings import Finding, Fix, Severity
from tools.workflow_model import WorkflowStep

SPEC = Path("specs/orders.yaml")
MODEL = "generated/dbt/models/marts/fct_orders.sql"
PROPERTIES = "generated/dbt/models/marts/fct_orders.yml"
PATH = [
    "name: plan, kind: plan",
    "name: generate, kind: generate",
    "name: test, kind: test",
    "name: repair, kind: repair, rounds: 4, may-not-touch: ['**/staging/**']",
]
LOOK = call("read_file", path=MODEL)


def wants(text: str, *, fix: Fix | None = None) -> Any:
    """A test node that fails until the model's SQL holds a text."""

    def test(state: RunState, step: WorkflowStep, context: Context) -> Update:
        sql = (context.tree(state) / MODEL).read_text()
        if text in sql:
            return {"findings": []}
        finding = Finding(
            "X", Severity.ERROR, f"lacks it, {len(sql)} characters", subject="fct_orders", fix=fix,
            evidence="row 7",
        )  # fmt: skip
        return {"findings": [finding.to_json()]}

    return test


def write(path: str) -> Turn:
    return call("write_file", path=path, content="x")


def edit(old: str, new: str, path: str = MODEL) -> Turn:
    return call("edit_file", path=path, old=old, new=new)


@pytest.fixture
def run(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    def start(
        *steps: Step, want: str = "mended", path: Sequence[str] = PATH
    ) -> tuple[Result, Scripted]:
        write_workflow(workspace, "build-pipeline", path)
        file = workspace / "workflows" / "build-pipeline.md"
        text = file.read_text().replace(
            "steps:", "allowed-tools: [read_file, write_file, edit_file, shell]\nsteps:", 1
        )
        file.write_text(text)
        monkeypatch.setitem(agent.graph.NODES, "test", wants(want))
        model = Scripted(steps)
        engine = make_engine(workspace, commit=False)
        engine.model = lambda: model
        return engine.start(SPEC), model

    return start


def test_findings_go_in_and_an_edit_comes_out(workspace: Path, run: Any) -> None:
    briefs: list[str] = []

    def look(request: Request) -> Turn:
        briefs.append(request.messages[0]["content"][0]["text"])
        return LOOK

    result, model = run(look, edit("select", "-- mended\nselect"), say("It lacked it."))
    assert (result.exit_code, model.left, result.state["rounds"]) == (0, 0, 1)
    assert "row 7" in briefs[0]
    assert f"`{MODEL}`" in briefs[0]
    entry = json.loads((workspace / "specmill.lock").read_text())["files"][MODEL]
    assert (entry["origin"], entry["author"]["step"]) == ("authored", "repair")


def test_the_repair_stands_for_as_long_as_the_compiler_gives_the_same(
    workspace: Path, run: Any
) -> None:
    run(LOOK, edit("select", "-- mended\nselect"), say("done"))
    result, _ = run()
    assert result.exit_code == 0
    assert "mended" in (workspace / MODEL).read_text()
    SPEC.write_text(SPEC.read_text().replace("lower({status})", "upper({status})"))
    result, model = run(LOOK, say("I do not know."))
    assert (result.exit_code, model.left) == (1, 0)
    assert "mended" not in (workspace / MODEL).read_text()
    assert "upper" in (workspace / MODEL).read_text()


def test_the_same_findings_twice_again_end_it(run: Any) -> None:
    rounds = [(LOOK, edit("select", f"-- try {n}\nselect"), say(f"try {n}")) for n in range(3)]
    result, model = run(*(step for steps in rounds for step in steps))
    assert result.exit_code == 1
    assert "came back twice" in result.reason
    assert (result.state["rounds"], model.left) == (3, 3)
    assert [f.code for f in result.findings] == ["X"]


def test_the_model_is_told_that_they_came_back(run: Any) -> None:
    briefs: list[str] = []

    def look(request: Request) -> Turn:
        briefs.append(request.messages[0]["content"][-1]["text"])
        return LOOK

    run(look, edit("select", "-- a\nselect"), say("a"), look, edit("-- a", "-- mended"), say("b"))
    assert ["look elsewhere" in brief for brief in briefs] == [False, True]


def test_changing_nothing_ends_it_with_what_the_tests_said(run: Any) -> None:
    result, _ = run(say("All tests pass now."))
    assert result.exit_code == 1
    assert "changed nothing" in result.reason
    assert [f.message[:8] for f in result.findings] == ["lacks it"]


STAGING = "generated/dbt/models/staging/shop/stg_shop__order.sql"
REFUSED: dict[str, tuple[Turn, str]] = {
    "properties": (edit("not_null", "unique", PROPERTIES), "properties hold its tests"),
    "a test": (write("generated/dbt/tests/a.sql"), "says what is right"),
    "a generic test": (
        edit("a", "b", "generated/dbt/macros/row_tests.sql"), "says what is right",
    ),
    "the spec": (edit("orders", "x", "specs/orders.yaml"), "says what is right"),
    "the constitution": (
        write("constitution/01.md"), "says what is right",
    ),
    "the CI": (write(".github/workflows/x.yml"), "says what is right"),
    "what the workflow adds": (edit("select", "x", STAGING), "says what is right"),
    "a new model": (
        call("write_file", path="generated/dbt/models/marts/b.sql", content="x"),
        "models of this pipeline only",
    ),
    "by the shell": (call("shell", command=f"sed -i s/not_null// {PROPERTIES}"), "hold its tests"),
    "by redirection": (call("shell", command=f"echo > {PROPERTIES}"), "properties hold its tests"),
    "no-verify": (call("shell", command="git commit -n -m x"), "skips the repository"),
    "reset": (call("shell", command="git reset --hard HEAD~1"), "throws work away"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_no_repair_touches_what_it_is_measured_by(workspace: Path, run: Any, name: str) -> None:
    attempt, why = REFUSED[name]
    told: list[str] = []

    def after(request: Request) -> Turn:
        told.extend(b["content"][0]["text"] for b in request.messages[-1]["content"])
        return LOOK

    result, _ = run(attempt, after, edit("select", "-- mended\nselect"), say("done"))
    assert result.exit_code == 0
    assert why in told[0]
    said = [(f.code, f.subject) for f in result.findings]
    assert said == [("MODEL001", "repair-1")]
    assert "not_null" in (workspace / PROPERTIES).read_text()


def test_a_fix_that_follows_goes_first(
    workspace: Path, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    fix = Fix("rename_column", MODEL, {"old": "amount", "new": "mended"})
    result, model = run(say("not asked"), want="never")
    assert len(model.requests) == 1
    monkeypatch.setitem(agent.graph.NODES, "test", wants("mended", fix=fix))
    model = Scripted([])
    engine = make_engine(workspace, commit=False)
    engine.model = lambda: model
    result = engine.start(SPEC)
    assert (result.exit_code, result.state["rounds"]) == (0, 1)


def killed(at: int, steps: Sequence[Step]) -> list[Step]:
    def end(_: Request) -> Turn:
        raise KeyboardInterrupt

    return [*steps[:at], end]


@pytest.mark.parametrize("at", range(3))
def test_a_killed_repair_goes_on(workspace: Path, run: Any, at: int) -> None:
    steps: list[Step] = [LOOK, edit("select", "-- mended\nselect"), say("done")]
    with pytest.raises(KeyboardInterrupt):
        run(*killed(at, steps))
    model = Scripted(steps[at:])
    engine = make_engine(workspace, commit=False)
    engine.model = lambda: model
    result = engine.resume("last")
    assert (result.exit_code, model.left, result.state["rounds"]) == (0, 0, 1)
    assert (workspace / MODEL).read_text().count("-- mended") == 1
