"""What the spec leaves to judgement is authored once, by what is written down, and nowhere else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import agent.graph
from agent.model.base import Request, Turn
from agent.model.scripted import Scripted, Step, call, say
from agent.nodes.context import Context, Update
from agent.result import Result
from agent.run import Engine
from agent.state import RunState
from tests.agent.conftest import Cli
from tests.agent.support import CASES, make_engine, write_workflow
from tools.errors import BudgetSpent, NeedsModel
from tools.workflow_model import WorkflowStep

SPEC = Path("specs/orders.yaml")
MODEL = "generated/dbt/models/marts/fct_orders.sql"
PROPERTIES = "generated/dbt/models/marts/fct_orders.yml"
READING = "generated/review/orders.reading.json"
RULE = "Orders that somebody made for a test do not count; their status says so."
SQL = "select order_id from {{ ref('stg_shop__order') }}\n"
TOOLS = "allowed-tools: [read_file, write_file, edit_file, shell, ask_person, commit]"
PATH = ["name: plan, kind: plan", "name: generate, kind: generate", "name: test, kind: test"]

AGENT = [*PATH, "name: cover, kind: agent", "name: prove, kind: test"]


@pytest.fixture(autouse=True)
def _prose(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A spec with a rule in prose, and a path whose tests are not the subject here."""
    shutil.copy(CASES / "prose.yaml", workspace / SPEC)
    workflow(workspace)
    monkeypatch.setitem(agent.graph.NODES, "test", holds)


def workflow(workspace: Path, *, turns: int = 20, steps: Sequence[str] = PATH) -> None:
    write_workflow(workspace, "build-pipeline", steps, budget=f"{{turns: {turns}}}")
    file = workspace / "workflows" / "build-pipeline.md"
    sections = "\n## cover\n\nAdd a test for each promise.\n" if steps is AGENT else ""
    file.write_text(file.read_text().replace("steps:", f"{TOOLS}\nsteps:", 1) + sections)


def holds(state: RunState, step: WorkflowStep, context: Context) -> Update:
    return {"findings": []}


def propose(*questions: dict[str, str], where: str = "lower(status) <> 'test'") -> Turn:
    rule = {"model": "fct_orders", "rule": RULE, "restated": "no test orders", "where": where}
    return call("propose", rules=[{**rule, "column": "", "expr": ""}], questions=list(questions))


def question(blocks: str) -> dict[str, str]:
    return {
        "model": "fct_orders", "question": "Does NULL count?", "assumption": "It does.",
        "blocks": blocks,
    }  # fmt: skip


def write(sql: str = SQL, path: str = MODEL) -> Turn:
    return call("write_file", path=path, content=sql)


WHOLE: list[Step] = [propose(), say("read"), write(), say("written")]


def engine_of(workspace: Path, steps: Sequence[Step], **settings: Any) -> tuple[Engine, Scripted]:
    model = Scripted(steps)
    engine = make_engine(workspace, **{"commit": False, **settings})
    engine.model = lambda: model
    return engine, model


def start(workspace: Path, *steps: Step, **settings: Any) -> tuple[Result, Scripted]:
    engine, model = engine_of(workspace, steps, **settings)
    return engine.start(SPEC), model


def results(request: Request) -> list[str]:
    """What the tools said since the answer before."""
    blocks = request.messages[-1]["content"]
    return [b["content"][0]["text"] for b in blocks if b["type"] == "tool_result"]


def locked(workspace: Path) -> dict[str, Any]:
    files: dict[str, Any] = json.loads((workspace / "specmill.lock").read_text())["files"]
    return files


def test_it_is_written_and_the_lock_says_by_whom(workspace: Path) -> None:
    result, model = start(workspace, *WHOLE)
    assert (result.exit_code, model.left) == (0, 0)
    assert (workspace / MODEL).read_text() == SQL
    entry = locked(workspace)[MODEL]
    assert (entry["origin"], entry["author"]["model"]) == ("authored", "scripted")
    assert entry["author"]["run"] == result.state["run"]
    assert "author" not in locked(workspace)[PROPERTIES]


def test_the_same_spec_is_not_authored_again(workspace: Path) -> None:
    start(workspace, *WHOLE)
    before = (workspace / "specmill.lock").read_bytes()
    result, _ = start(workspace)
    assert result.exit_code == 0
    assert (workspace / "specmill.lock").read_bytes() == before


def test_another_part_of_the_spec_does_not_matter(workspace: Path) -> None:
    start(workspace, *WHOLE)
    (workspace / SPEC).write_text(
        SPEC.read_text().replace("description: Orders,", "description: All,")
    )
    assert start(workspace)[0].exit_code == 0


def test_another_rule_is_authored_anew(workspace: Path) -> None:
    start(workspace, *WHOLE)
    (workspace / SPEC).write_text(SPEC.read_text().replace(RULE, "Only paid orders count."))
    read = call("read_file", path=MODEL)
    proposal = json.loads(
        json.dumps(propose().content[0]["input"]).replace(RULE, "Only paid orders count.")
    )
    result, model = start(
        workspace, call("propose", **proposal), say("read"), read, write("select 2\n"), say("ok")
    )
    assert (result.exit_code, model.left) == (0, 0)
    assert (workspace / MODEL).read_text() == "select 2\n"


@pytest.mark.parametrize("with_error", [True, False])
def test_without_a_model_it_is_exit_code_4_and_the_rest_is_kept(
    workspace: Path, with_error: bool
) -> None:
    def none() -> Any:
        raise NeedsModel("no key", "set a key: export ANTHROPIC_API_KEY=...")

    engine = make_engine(workspace, commit=False)
    engine.model = none if with_error else None
    result = engine.start(SPEC)
    assert result.exit_code == 4
    assert "export ANTHROPIC_API_KEY=..." in result.remedy
    assert "\n" not in result.remedy
    assert (workspace / "generated/dbt/models/staging/shop/stg_shop__order.sql").is_file()
    assert not (workspace / MODEL).exists()
    assert not (workspace / PROPERTIES).exists()


def test_a_hand_edit_stops_the_run_and_is_kept(workspace: Path) -> None:
    start(workspace, *WHOLE)
    (workspace / MODEL).write_text("select 'mine'\n")
    result, _ = start(workspace)
    assert result.exit_code == 3
    assert [f.code for f in result.findings] == ["LOCK001"]
    assert (workspace / MODEL).read_text() == "select 'mine'\n"


def test_a_stray_file_stops_it_before_anything_is_asked(workspace: Path) -> None:
    (workspace / MODEL).parent.mkdir(parents=True)
    (workspace / MODEL).write_text("select 'mine'\n")
    result, model = start(workspace, propose(), say("read"))
    assert (result.exit_code, len(model.requests)) == (3, 2)
    assert "in the way" in result.reason


REFUSED: dict[str, tuple[Turn, str]] = {
    "its own tests": (write("version: 2\n", PROPERTIES), "nothing else"),
    "the spec": (write("pipeline: x\n", "specs/orders.yaml"), "nothing else"),
    "the lock": (write("{}", "specmill.lock"), "nothing else"),
    "outside": (call("read_file", path="../../etc/passwd"), "not a path inside the work tree"),
    "a file of specmill": (call("read_file", path=".specmill/runs/x"), "no tool reads"),
    "no-verify": (call("shell", command="git commit --no-verify -m x"), "skips the repository"),
    "reset": (call("shell", command="git reset --hard"), "throws work away"),
    "a deleted test": (call("shell", command="rm generated/dbt/tests/t.sql"), "nothing else"),
    "unasked shell": (call("shell", command="make all"), "nobody is here to be asked"),
    "a tool that is not given": (call("commit", message="x"), "there is no tool commit"),
    "a tool that nobody has": (call("deploy"), "there is no tool deploy"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_it_may_not_do_is_refused_and_said(workspace: Path, name: str) -> None:
    attempt, why = REFUSED[name]
    seen: list[str] = []

    def after(request: Request) -> Turn:
        seen.extend(results(request))
        return write()

    spec = (workspace / SPEC).read_bytes()
    result, _ = start(workspace, propose(), say("read"), attempt, after, say("written"))
    assert result.exit_code == 0
    assert why in seen[0]
    assert (workspace / SPEC).read_bytes() == spec


@pytest.mark.parametrize("name", ["its own tests", "no-verify", "reset", "unasked shell"])
def test_the_person_hears_of_it(workspace: Path, name: str) -> None:
    result, _ = start(workspace, propose(), say("read"), REFUSED[name][0], write(), say("done"))
    assert [f.code for f in result.findings] == ["MODEL001"]
    assert result.findings.findings[0].hint


def test_nothing_written_ends_the_run(workspace: Path) -> None:
    result, _ = start(workspace, propose(), say("read"), say("I would rather not."))
    assert result.exit_code == 1
    assert MODEL in result.reason
    assert "I would rather not." in result.remedy


def test_a_question_goes_on_with_its_assumption_and_stays_open(workspace: Path) -> None:
    steps: list[Step] = [propose(question("production")), *WHOLE[1:]]
    for given in (steps, []):
        result, _ = start(workspace, *given)
        assert result.exit_code == 0
        asked = [(q.message, q.hint) for q in result.questions]
        assert asked == [("Does NULL count?", "assumed: It does.")]


def test_a_question_that_blocks_a_build_is_waited_for(workspace: Path) -> None:
    result, model = start(workspace, propose(question("build")), say("asked"))
    assert (result.exit_code, model.left) == (3, 0)
    assert "1 open question keeps" in result.reason
    assert not (workspace / "generated").exists()


@pytest.mark.parametrize(
    ("where", "why"),
    [("no_such_column = 1", "no_such_column"), ("lower(status) <>", "would be wrong")],
)
def test_a_reading_that_makes_no_spec_is_sent_back(workspace: Path, where: str, why: str) -> None:
    seen: list[str] = []

    def again(request: Request) -> Turn:
        seen.extend(results(request))
        return propose()

    result, _ = start(workspace, propose(where=where), again, *WHOLE[1:])
    assert result.exit_code == 0
    assert why in seen[0]


def test_the_budget_is_the_runs_and_it_goes_on_with_more(workspace: Path) -> None:
    workflow(workspace, turns=3)
    engine, model = engine_of(workspace, WHOLE)
    with pytest.raises(BudgetSpent, match="3 turns"):
        engine.start(SPEC)
    assert model.left == 1
    workflow(workspace, turns=9)
    engine, model = engine_of(workspace, WHOLE[3:])
    assert engine.resume("last").exit_code == 0
    assert (workspace / MODEL).read_text() == SQL


def killed(at: int, steps: Sequence[Step]) -> list[Step]:
    """The steps with the process ended when it asks for the one at that place."""

    def end(_: Request) -> Turn:
        raise KeyboardInterrupt

    return [*steps[:at], end]


@pytest.mark.parametrize("at", range(4))
def test_a_killed_run_goes_on_where_it_was(workspace: Path, at: int) -> None:
    engine, _ = engine_of(workspace, killed(at, WHOLE))
    with pytest.raises(KeyboardInterrupt):
        engine.start(SPEC)
    engine, model = engine_of(workspace, WHOLE[at:])
    result = engine.resume("last")
    assert (result.exit_code, model.left) == (0, 0)
    assert (workspace / MODEL).read_text() == SQL
    assert not list((workspace / ".specmill" / "drafts").glob("*"))


def test_a_new_run_after_a_killed_one_finds_nothing_in_its_way(workspace: Path) -> None:
    engine, _ = engine_of(workspace, killed(3, WHOLE))
    with pytest.raises(KeyboardInterrupt):
        engine.start(SPEC)
    read = call("read_file", path=MODEL)
    result, _ = start(workspace, propose(), say("read"), read, write("select 3\n"), say("done"))
    assert result.exit_code == 0
    assert (workspace / MODEL).read_text() == "select 3\n"


def test_the_prompt_is_the_same_bytes_and_mostly_cached(workspace: Path) -> None:
    looks: list[Step] = [call("read_file", path=PROPERTIES, offset=n) for n in range(1, 9)]
    _, model = start(workspace, propose(), say("read"), *looks, write(), say("done"))
    requests = model.requests[2:]
    assert len({json.dumps([r.system, r.tools]) for r in requests}) == 1
    spec = (workspace / SPEC).read_text()
    assert spec in requests[0].system[1]["text"]
    assert all(str(workspace) not in json.dumps(r.to_json()) for r in requests)


TEST = "generated/dbt/tests/assert_paid.sql"


def test_an_agent_step_adds_files_of_its_own_and_is_not_done_twice(workspace: Path) -> None:
    workflow(workspace, steps=AGENT)
    cover: list[Step] = [
        write("-- c\n", MODEL),
        write("select 1 where 1 = 0\n", TEST),
        say("covered"),
    ]
    result, model = start(workspace, *WHOLE, *cover)
    assert (result.exit_code, model.left) == (0, 0)
    assert (workspace / MODEL).read_text() == SQL
    assert locked(workspace)[TEST]["author"]["step"] == "cover"
    assert [f.code for f in result.findings] == ["MODEL001"]
    before = (workspace / "specmill.lock").read_bytes()
    assert start(workspace)[0].exit_code == 0
    assert (workspace / "specmill.lock").read_bytes() == before
    assert (workspace / TEST).is_file()


def test_author_model_needs_no_prose(workspace: Path) -> None:
    spec = (workspace / SPEC).read_text()
    rules = spec[spec.index("    rules:") : spec.index("    examples:")]
    (workspace / SPEC).write_text(spec.replace(rules, "    author: model\n"))

    def writes(request: Request) -> Turn:
        text = request.messages[0]["content"][0]["text"]
        assert 'name="draft"' not in text
        return write()

    result, model = start(workspace, writes, say("done"))
    assert (result.exit_code, model.left) == (0, 0)
    assert not (workspace / READING).exists()


def test_the_money_of_one_call_is_shared_by_its_runs(workspace: Path) -> None:
    engine, model = engine_of(workspace, WHOLE)
    engine.start(SPEC)
    assert engine.spent > 0
    (workspace / SPEC).write_text(SPEC.read_text().replace(RULE, "Only paid orders count."))
    engine.settings = engine.settings.with_flags(money=engine.spent)
    with pytest.raises(BudgetSpent, match="money"):
        engine.start(SPEC)
    assert len(model.requests) == 4


def test_an_edit_of_an_authored_file_is_adopted_or_given_up(workspace: Path, run_cli: Cli) -> None:
    start(workspace, *WHOLE)
    (workspace / MODEL).write_text("select 'mine' as order_id\n")
    done = run_cli("restore", MODEL)
    assert (done.exit_code, (workspace / MODEL).read_text()) == (0, SQL)
    (workspace / MODEL).write_text("select 'mine' as order_id\n")
    done = run_cli("adopt", MODEL)
    assert done.exit_code == 0, done.output
    result, _ = start(workspace)
    assert result.exit_code == 0
    assert not (workspace / MODEL).exists()
    assert "mine" in next((workspace / "custom").rglob("fct_orders.sql")).read_text()
