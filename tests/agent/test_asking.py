"""One request, unattended: the command line and the real SDK, a scripted service."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.asking import statistics
from agent.model.base import Turn, Usage
from agent.model.scripted import call, say
from tests.agent.conftest import Cli
from tests.agent.support import environment, git, lines, start
from tests.messages_server import KEY, MessagesServer, Step, stalled, unauthorized

SQL = "select 1 as one\n"
SPECMILL = (sys.executable, "-m", "agent")


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A dbt project without specs."""
    root = tmp_path / "shop"
    (root / "models").mkdir(parents=True)
    (root / "models" / "one.sql").write_text(SQL)
    (root / "dbt_project.yml").write_text("name: shop\nversion: '1.0'\nprofile: shop\n")
    git(tmp_path, "init", "--quiet", str(root))
    git(root, "add", ".")
    git(root, "commit", "--quiet", "-m", "start")
    return root


@pytest.fixture
def asked(repo: Path, run_cli: Cli, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Asks, with a service that answers by a script."""

    def ask(*args: str, steps: tuple[Step, ...]) -> tuple[Any, MessagesServer]:
        with MessagesServer(steps) as server:
            monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
            monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
            result = run_cli("-C", str(repo), "ask", *args)
        server.check()
        return result, server

    return ask


def edit(new: str = "select 2 as one\n") -> tuple[Step, ...]:
    return (
        call("read_file", path="models/one.sql"),
        call("write_file", path="models/one.sql", content=new),
        say("It is two now."),
    )


def test_an_answer_is_on_stdout(asked: Any, repo: Path) -> None:
    result, server = asked("how many models?", steps=(say("One: models/one.sql."),))
    assert result.exit_code == 0
    assert result.stdout == "One: models/one.sql.\n"
    assert "1 turns" in result.stderr
    assert git(repo, "status", "--porcelain") == ""
    assert "with nobody watching" in json.dumps(server.requests[0]["system"])


def test_what_was_changed_is_listed(asked: Any, repo: Path) -> None:
    result, _ = asked("make it two", "--mode", "edit", steps=edit())
    assert result.exit_code == 0
    assert "It is two now." in result.stdout
    assert "models/one.sql  +1  -1" in result.stdout
    assert (repo / "models" / "one.sql").read_text() == "select 2 as one\n"


def test_events_are_lines_of_json_and_nothing_else(asked: Any) -> None:
    result, _ = asked("make it two", "--mode", "edit", "--json", steps=edit())
    events = lines(result.stdout)
    kinds = [event["event"] for event in events]
    assert kinds == [*("answer", "call", "result", "answer", "call", "result", "answer", "done")]
    assert events[-1]["ok"]
    assert events[-1]["changed"] == ["models/one.sql"]
    assert "+select 2 as one" in events[-1]["diff"]
    assert events[-1]["spent"]["turns"] == 3
    assert events[-1]["spent"]["usage"]["cache_read"] > 0
    assert result.stderr == ""


def test_what_needs_permission_is_exit_code_3_and_said(asked: Any, repo: Path) -> None:
    result, server = asked("make it two", steps=edit())
    assert result.exit_code == 3
    assert "waits for you: write_file models/one.sql" in result.stderr
    assert (repo / "models" / "one.sql").read_text() == SQL
    told = server.requests[-1]["messages"][-1]["content"][0]
    assert told["is_error"]
    assert "nobody is here to be asked" in told["content"][0]["text"]


def test_a_question_is_exit_code_3_and_said(asked: Any) -> None:
    question = call("ask_person", question="Euros or dollars?", choices=["EUR", "USD"])
    result, _ = asked("convert", steps=(question, say("I need the currency.")))
    assert result.exit_code == 3
    assert "asks: Euros or dollars? (EUR | USD)" in result.stderr
    assert "I need the currency." in result.stdout


def test_what_is_never_allowed_is_refused_and_no_question(asked: Any) -> None:
    steps = (call("shell", command="git reset --hard"), say("That is not open to me."))
    result, _ = asked("undo all", "--mode", "auto", "--allow", "shell(git *)", steps=steps)
    assert result.exit_code == 0
    assert "refused: shell git reset --hard" in result.stderr


def test_a_rule_may_allow_more(asked: Any) -> None:
    steps = (call("shell", command="git log --oneline"), say("One commit."))
    result, _ = asked("how many commits?", "--allow", "shell(git log *)", steps=steps)
    assert result.exit_code == 0
    result, _ = asked("how many commits?", steps=steps)
    assert result.exit_code == 3


def test_the_spending_cap_is_hard(asked: Any) -> None:
    result, server = asked("anything", "--max-money", "0.0001", steps=())
    assert result.exit_code == 5
    assert server.requests == [], "nothing is sent that the cap does not cover"
    assert "money" in result.stderr


def test_what_was_changed_before_the_cap_is_shown(asked: Any, repo: Path) -> None:
    read, write, _ = edit()
    assert isinstance(write, Turn)
    steps = (read, replace(write, usage=Usage(input=10, output=40_000)))
    result, _ = asked("make it two", "--mode", "edit", "--max-money", "0.3", steps=steps)
    assert result.exit_code == 5
    assert "models/one.sql" in result.stdout
    resumed, _ = asked("--resume", "last", "--json", steps=(say("Done."),))
    assert resumed.exit_code == 0


def test_a_refused_key_is_exit_code_4(asked: Any) -> None:
    result, _ = asked("anything", steps=(unauthorized(),))
    assert result.exit_code == 4


def test_without_a_key(repo: Path, run_cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    result = run_cli("-C", str(repo), "ask", "anything")
    assert result.exit_code == 4
    assert "export ANTHROPIC_API_KEY=" in result.stderr
    assert not (repo / ".specmill" / "sessions").exists()


def test_a_request_is_needed(repo: Path, run_cli: Cli) -> None:
    assert run_cli("-C", str(repo), "ask").exit_code == 2
    assert run_cli("-C", str(repo), "ask", "--resume", "no-such").exit_code in (2, 4)


def test_an_address_without_consent_stops_it(
    repo: Path, run_cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    monkeypatch.delenv("ANTHROPIC_BASE_URL", raising=False)
    (repo / "specmill.toml").write_text('base_url = "https://elsewhere.example"\n')
    result = run_cli("-C", str(repo), "ask", "anything")
    assert result.exit_code == 3
    assert "base_url" in result.stderr
    assert KEY not in result.output


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_request_is_gone_on_with(repo: Path, number: signal.Signals) -> None:
    hold = threading.Event()
    reached = threading.Event()
    silent = stalled(say("This answer never ends."), hold, after_events=3)

    def hang(_request: Any) -> Any:
        reached.set()
        return silent

    with MessagesServer([*edit()[:2], hang]) as server:
        env = {"ANTHROPIC_API_KEY": KEY, "ANTHROPIC_BASE_URL": server.url}
        process = start("ask", "make it two", "--mode", "edit", cwd=repo, **env)
        assert reached.wait(60)
        process.send_signal(number)
        _, said = process.communicate(timeout=60)
        hold.set()
        assert process.returncode == 130, said
        assert "resume with: specmill ask --resume" in said
        name = said.rpartition("--resume ")[2].strip()
        server.steps += [say("It was done already.")]
        resumed = subprocess.run(
            [*SPECMILL, "ask", "--resume", name],
            cwd=repo,
            env=environment() | env,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert resumed.returncode == 0, resumed.stderr
        assert resumed.stdout.startswith("It was done already.")
    server.check()
    assert (repo / "models" / "one.sql").read_text() == "select 2 as one\n"


def test_statistics_of_a_diff() -> None:
    diff = (
        "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n-x\n+y\n--- z\n"
        "diff --git a/b c b/b c\nnew file mode 100644\n"
        "--- /dev/null\n+++ b/b c\n@@ -0,0 +1 @@\n+q\n"
    )
    assert statistics(diff) == [("a", 1, 2), ("b c", 1, 0)]
    assert statistics("") == []
