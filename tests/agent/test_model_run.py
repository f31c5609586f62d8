"""From a spec with prose to a proved branch, through the real client and a loopback service."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from agent.model.base import Request, Turn
from agent.model.scripted import call, say
from agent.trace import read_trace
from tests.agent.kill_at import MODEL, PROPERTIES, RULE
from tests.agent.support import CASES, git, lines, start
from tests.messages_server import KEY, MessagesServer, Step, stalled, unauthorized

SPEC = "specs/orders.yaml"
RIGHT = "where lower(status) <> 'test'"

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def _prose(workspace: Path) -> None:
    shutil.copy(CASES / "prose.yaml", workspace / SPEC)
    shutil.copytree(Path(__file__).parents[2] / "workflows", workspace / "workflows")
    file = workspace / "workflows" / "build-pipeline.md"
    file.write_text(file.read_text().replace("allowed-tools: [", "allowed-tools: [shell, ", 1))
    git(workspace, "add", ".")
    git(workspace, "commit", "--quiet", "-m", "prose")


def propose(where: str = "lower(status) <> 'test'") -> Turn:
    rule = {"model": "fct_orders", "rule": RULE, "restated": "no test orders", "where": where}
    return call("propose", rules=[{**rule, "column": "", "expr": ""}], questions=[])


def draft(ending: str) -> Any:
    """Writes the compiler's draft with an ending of its own."""

    def write(request: Request) -> Turn:
        text = request.messages[0]["content"][0]["text"]
        sql = text.split('name="draft">\n')[1].split("\n</data")[0].rstrip()
        return call("write_file", path=MODEL, content=f"{sql}\n{ending}\n")

    return write


READ: list[Step] = [propose(), say("read")]


def run(
    monkeypatch: pytest.MonkeyPatch, root: Path, server: MessagesServer, *args: str
) -> subprocess.Popen[str]:
    monkeypatch.setenv("ANTHROPIC_API_KEY", server.key)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
    return start(*args, cwd=root)


def finished(
    monkeypatch: pytest.MonkeyPatch, root: Path, steps: Sequence[Step], *args: str
) -> tuple[int, str, MessagesServer]:
    with MessagesServer(steps) as server:
        process = run(monkeypatch, root, server, *args)
        out, said = process.communicate(timeout=300)
    server.check()
    assert "Traceback" not in said
    return process.returncode, out, server


def told(server: MessagesServer) -> list[str]:
    """What tools said to the model, in order, each call once."""
    found = {
        block["tool_use_id"]: block["content"][0]["text"]
        for request in server.requests
        for block in request["messages"][-1]["content"]
        if block["type"] == "tool_result"
    }
    return list(found.values())


def test_prose_is_authored_proved_shown_and_replayed(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[Step] = [*READ, draft(RIGHT), say("Test orders are left out.")]
    code, out, server = finished(monkeypatch, workspace, steps, "run", SPEC, "--json")
    events = lines(out)
    result = events[-1]
    assert code == 0, result
    outcome = result["state"]["outcome"]
    assert {v["kind"] for v in outcome["verdicts"]} == {"TESTED"}
    assert [t["name"] for t in outcome["tiers"] if t["ok"]].count("oracle") == 1
    assert any("nobody approved" in text for text in outcome["not_run"])
    assert [e["event"] for e in events if e["event"] in ("turn", "call", "result")][-5:] == [
        "turn", "call", "result", "turn", "result",
    ]  # fmt: skip
    branch = "specmill/orders"
    assert RIGHT in git(workspace, "show", f"{branch}:{MODEL}")
    assert json.loads(git(workspace, "show", f"{branch}:specmill.lock"))["files"][MODEL]["author"]
    assert not [f for f in (workspace / ".specmill").rglob("*.json*") if KEY in f.read_text()]

    code, out, _ = finished(monkeypatch, workspace, [], "show", "last", "--prompts")
    assert (code, out.count("Keep all that the spec says formally")) == (0, 1)
    code, out, _ = finished(monkeypatch, workspace, [], "replay", "last", "--json")
    replayed = json.loads(out)
    assert (code, replayed["different"], replayed["divergence"]) == (0, [], {})
    assert replayed["files"] == len(result["state"]["files"])

    tip = git(workspace, "rev-parse", branch)
    code, _, server = finished(monkeypatch, workspace, [], "run", SPEC)
    assert (code, server.requests) == (0, [])
    assert git(workspace, "rev-parse", branch) == tip


def test_a_replay_says_where_it_diverges(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[Step] = [*READ, draft(RIGHT), say("done")]
    finished(monkeypatch, workspace, steps, "run", SPEC)
    article = next((Path(__file__).parents[2] / "constitution").glob("01*.md"))
    (workspace / "constitution").mkdir()
    text = article.read_text().replace("Raw data is what", "Raw data is not what")
    (workspace / "constitution" / article.name).write_text(text)
    code, out, _ = finished(monkeypatch, workspace, [], "replay", "last")
    assert code == 1
    assert "diverged at request 1, system" in out


CHEATS: list[Step] = [
    call("write_file", path=PROPERTIES, content="version: 2\n"),
    call("shell", command=f"rm {PROPERTIES}"),
    call("read_file", path="../../../../../../etc/passwd"),
    call("shell", command="cat /etc/passwd"),
    call("shell", command="git commit --no-verify -m done"),
    call("shell", command="git reset --hard"),
]
WHY = ["nothing else", "nothing else", "not a path inside", "outside", "skips", "throws work away"]


def test_a_model_that_cheats_is_stopped_and_told_why(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mend = call("edit_file", path=MODEL, old="where false", new=RIGHT)
    steps: list[Step] = [
        *READ, *CHEATS, draft("where false"), say("All tests pass."),
        call("read_file", path=MODEL), mend, say("Now it is right."),
    ]  # fmt: skip
    head = git(workspace, "rev-parse", "HEAD")
    code, out, server = finished(monkeypatch, workspace, steps, "run", SPEC, "--json")
    result = lines(out)[-1]
    assert code == 0, result["reason"]
    for why, said in zip(WHY, told(server)[1:], strict=False):
        assert why in said
    brief = [r["messages"][0]["content"][0]["text"] for r in server.requests][-1]
    assert "AUTH001" in brief
    assert result["state"]["rounds"] == 1
    refused = [f["message"] for f in result["findings"] if f["code"] == "MODEL001"]
    assert len(refused) == 5
    assert git(workspace, "rev-parse", "HEAD") == head
    assert "not_null" in git(workspace, "show", f"specmill/orders:{PROPERTIES}")


@pytest.mark.parametrize(
    ("ending", "code"), [("where amount > 1000000", "DBT004"), ("where status = 'paid'", "DBT004")]
)
def test_code_that_is_wrong_fails_whatever_the_model_says(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, ending: str, code: str
) -> None:
    steps: list[Step] = [*READ, draft(ending), say("All tests pass."), say("They do pass.")]
    exit_code, out, _ = finished(monkeypatch, workspace, steps, "run", SPEC, "--json")
    result = lines(out)[-1]
    assert exit_code == 1
    assert code in {f["code"] for f in result["findings"]}
    assert "commit_id" not in result["state"]


def test_the_oracle_finds_what_no_test_of_the_spec_does(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = workspace / SPEC
    file.write_text(file.read_text().partition("    examples:")[0])
    git(workspace, "commit", "--quiet", "-a", "-m", "without examples")
    steps: list[Step] = [*READ, draft("where lower(status) <> 'tests'"), say("done"), say("no")]
    code, out, _ = finished(monkeypatch, workspace, steps, "run", SPEC, "--json")
    result = lines(out)[-1]
    assert code == 1
    assert "PROOF001" in {f["code"] for f in result["findings"]}


def test_sigterm_in_the_middle_of_an_answer_leaves_a_run_that_resumes(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hold = threading.Event()
    rest: list[Step] = [draft(RIGHT), say("done")]
    with MessagesServer([*READ, stalled(say("thinking about it"), hold), *rest]) as server:
        process = run(monkeypatch, workspace, server, "run", SPEC, "--json")
        while len(server.requests) < 3 and process.poll() is None:
            threading.Event().wait(0.05)
        process.send_signal(signal.SIGTERM)
        out, said = process.communicate(timeout=60)
        hold.set()
        assert process.returncode == 130, said
        assert lines(out)[-1]["event"] == "interrupted"
        process = run(monkeypatch, workspace, server, "run", "--resume", "last")
        _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said
    assert RIGHT in git(workspace, "show", f"specmill/orders:{MODEL}")


def test_a_key_that_does_not_fit_is_exit_code_4_and_resumes(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, _ = finished(monkeypatch, workspace, [unauthorized()], "run", SPEC)
    assert code == 4
    steps: list[Step] = [*READ, draft(RIGHT), say("done")]
    code, out, _ = finished(monkeypatch, workspace, steps, "run", "--resume", "last")
    assert code == 0, out
    trace = next(workspace.glob(".specmill/runs/*/trace.jsonl"))
    assert KEY not in json.dumps(list(read_trace(trace)))
