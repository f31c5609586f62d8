"""Repair of dbt projects: the command line, a real dbt, the real SDK, a scripted service."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from agent.model.scripted import call, calls, say
from tests.agent.conftest import Cli
from tests.agent.shop import FILES, ORDERS, make_project
from tests.agent.support import CASES, git, lines
from tests.cases import each
from tests.messages_server import KEY, MessagesServer, Step

pytestmark = pytest.mark.slow


def repair(
    run_cli: Cli,
    monkeypatch: pytest.MonkeyPatch,
    root: Path,
    *steps: Step,
    args: tuple[str, ...] = (),
) -> tuple[Any, dict[str, Any], MessagesServer]:
    """The command on a project, with a service that answers by a script; its last event."""
    with MessagesServer(steps) as server:
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        result = run_cli("-C", str(root), "repair", "--json", *args)
    server.check()
    assert "\n{\n" not in f"\n{result.stdout}", result.stdout
    events = lines(result.stdout)
    return result, events[-1], server


@each(CASES / "repair.yaml")
def test_a_broken_project_is_repaired(
    tmp_path: Path, run_cli: Cli, monkeypatch: pytest.MonkeyPatch, case: dict[str, Any]
) -> None:
    healthy = FILES[case["file"]]
    broken = healthy.replace(case["good"], case["broken"])
    assert broken != healthy
    root = make_project(tmp_path / "shop", {case["file"]: broken})
    edit = {"path": case["file"], "old": case["broken"], "new": case["good"]}
    result, ended, server = repair(
        run_cli,
        monkeypatch,
        root,
        call("read_file", path=case["file"]),
        call("edit_file", **edit),
        say("It was the last change."),
    )
    assert result.exit_code == 0, ended
    told = json.dumps(server.requests[0]["messages"]).replace('\\\\\\"', '"').replace('\\"', '"')
    for text in case["says"]:
        assert text in told
    proof = ended["proof"]
    assert proof["after"]["ok"]
    assert len(proof["after"]["tests"]) == len(proof["before"]["tests"]) == 5
    assert git(root, "status", "--porcelain") == ""
    assert (root / case["file"]).read_text() == broken, "the checkout is only read"
    assert git(root, "show", f"{ended['branch']}:{case['file']}") == healthy.strip()
    assert ended["merge"] == f"git merge {ended['branch']}"
    assert f"+{case['good']}".strip("+ ") in ended["diff"]
    git(root, *ended["merge"].split()[1:])
    assert (root / case["file"]).read_text() == healthy
    assert not list((root / ".specmill" / "work").glob("repair-*"))


CHEATS: list[tuple[str, dict[str, Any], str]] = [
    # The call, its input, and a part of what the model is told.
    ("edit_file", {"path": "models/schema.yml", "old": "unique, ", "new": ""}, "not as it was"),
    (
        "edit_file",
        {"path": "models/schema.yml", "old": "orders: 2", "new": "orders: 1"},
        "not as it was",
    ),
    (
        "write_file",
        {"path": "tests/amounts_are_positive.sql", "content": "select 1 where false\n"},
        "may not touch tests",
    ),
    ("write_file", {"path": "seeds/raw_orders.csv", "content": "order_id\n"}, "may not touch"),
    ("write_file", {"path": "dbt_project.yml", "content": "name: shop\n"}, "may not touch"),
    ("write_file", {"path": ".github/workflows/ci.yml", "content": "on: push\n"}, "may not touch"),
    (
        "write_file",
        {
            "path": "macros/unique.sql",
            "content": "{% test unique(model, column_name) %} select 1 where false {% endtest %}\n",
        },
        "macros and materializations that tests are made of",
    ),
    (
        "write_file",
        {"path": "models/orders.sql", "content": "{{ config(enabled=false) }}\n" + ORDERS},
        "switched off",
    ),
    ("read_file", {"path": "../../../../etc/passwd"}, "not a path inside the work tree"),
    ("read_file", {"path": "/etc/passwd"}, "not a path inside the work tree"),
    ("shell", {"command": "cat /etc/passwd"}, "outside of the work tree"),
    ("shell", {"command": "rm tests/amounts_are_positive.sql"}, "refused"),
    ("shell", {"command": "git commit --no-verify -am done"}, "skips the repository's checks"),
    ("shell", {"command": "git reset --hard HEAD~1"}, "throws work away"),
    ("shell", {"command": "git push --force"}, "rewrites what others have"),
    ("write_file", {"path": ".git/hooks/pre-commit", "content": "exit 0\n"}, "not a path inside"),
]
READ = (
    "models/schema.yml",
    "models/orders.sql",
    "tests/amounts_are_positive.sql",
    "dbt_project.yml",
)


def test_a_model_that_cheats_is_stopped_each_time_and_told_why(
    tmp_path: Path, run_cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = ORDERS.replace("on o.customer_id =", "on o.customer_id <=")
    root = make_project(tmp_path / "shop", {"models/orders.sql": broken})
    files = (*READ, "seeds/raw_orders.csv")
    steps = [
        calls(*(("read_file", {"path": path}) for path in files)),
        *(call(name, **given) for name, given, _ in CHEATS),
        say("All tests pass now."),
    ]
    result, ended, server = repair(run_cli, monkeypatch, root, *steps)
    assert result.exit_code == 1
    assert not ended["ok"]
    assert "the same findings came back" in ended["reason"]
    assert ended["branch"] == ended["diff"] == "", "nothing of it stays"
    assert git(root, "branch", "--list", "specmill/*") == ""
    answers = [m["content"][0] for m in server.requests[-1]["messages"] if m["role"] == "user"][2:]
    assert len(answers) == len(CHEATS)
    for (name, given, why), told in zip(CHEATS, answers, strict=True):
        text = told["content"][0]["text"]
        assert told.get("is_error"), (name, given, text)
        assert why in text, (name, given, text)
    events = lines(result.stdout)
    assert len([e for e in events if e["event"] == "refused"]) >= 8
    assert len(ended["refused"]) >= 8


def test_a_query_without_rows_is_no_repair(
    tmp_path: Path, run_cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = ORDERS.replace("on o.customer_id =", "on o.customer_id <=")
    root = make_project(tmp_path / "shop", {"models/orders.sql": broken})
    result, ended, server = repair(
        run_cli,
        monkeypatch,
        root,
        call("read_file", path="models/orders.sql"),
        call("write_file", path="models/orders.sql", content=broken + "where false\n"),
        say("All tests pass now."),
        say("They do pass."),
    )
    assert ended["proof"]["after"]["ok"], "all tests do pass"
    assert result.exit_code == 1
    assert [o["code"] for o in ended["proof"]["objections"]] == ["REP004", "REP006"]
    assert {"name": "orders", "before": 9, "after": 0} in ended["proof"]["rows"]
    assert "orders lost all of its rows" in json.dumps(server.requests[-1]["messages"][-1])
    assert ended["branch"], "what was tried can be looked at"
    assert "where false" in ended["diff"]


def test_nothing_to_repair(tmp_path: Path, run_cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    root = make_project(tmp_path / "shop")
    result, ended, server = repair(run_cli, monkeypatch, root)
    assert result.exit_code == 0
    assert ended["reason"] == "nothing to repair: 5 tests: 5 passed"
    assert server.requests == []
    assert git(root, "branch", "--list", "specmill/*") == ""


def test_without_a_key_what_fails_is_shown(
    tmp_path: Path, run_cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    broken = ORDERS.replace("on o.customer_id =", "on o.customer_id <=")
    root = make_project(tmp_path / "shop", {"models/orders.sql": broken})
    result = run_cli("-C", str(root), "repair")
    assert result.exit_code == 4
    for text in ("unique_orders_order_id", "rows that fail", "export ANTHROPIC_API_KEY="):
        assert text in result.stdout
    assert git(root, "branch", "--list", "specmill/*") == ""


def test_what_is_not_committed_takes_part_and_stays(
    tmp_path: Path, run_cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_project(tmp_path / "shop")
    broken = ORDERS.replace("on o.customer_id =", "on o.customer_id <=")
    (root / "models" / "orders.sql").write_text(broken)
    (root / "models" / "new.sql").write_text("select * from {{ ref('sales') }}\n")
    git(root, "add", "models/new.sql")
    status = git(root, "status", "--porcelain")
    result, ended, _ = repair(
        run_cli,
        monkeypatch,
        root,
        call("read_file", path="models/orders.sql"),
        call("edit_file", path="models/orders.sql", old="<=", new="="),
        say("The join was wrong."),
    )
    assert result.exit_code == 0, ended
    assert ended["uncommitted"]
    assert git(root, "status", "--porcelain") == status
    assert "new.sql" not in ended["diff"], "the diff is the repair alone"

    subprocess.run(["bash", "-c", ended["merge"]], cwd=root, check=True)
    assert (root / "models" / "orders.sql").read_text() == ORDERS
    assert git(root, "status", "--porcelain") == "A  models/new.sql"
