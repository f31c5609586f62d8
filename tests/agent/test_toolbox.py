"""The way from a model to a tool: permission, approval, snapshot, redaction, and what is told."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.model.base import Cancelled
from agent.permissions import Mode, Permissions
from agent.talk import ToolCall
from agent.toolbox import Approval, Decision, DeskToolbox
from tools.catalog import Tool, catalog
from tools.desk import Desk
from tools.errors import InternalError, UsageError
from tools.workspace import Workspace


class Person:
    """Gives one answer to everything, and notes what was shown."""

    def __init__(self, answer: Approval) -> None:
        self.answer = answer
        self.asked: list[tuple[str, str, str]] = []

    def approve(self, call: ToolCall, tool: Tool, preview: str, why: str) -> Approval:
        self.asked.append((call.name, preview, why))
        return self.answer


class Bench:
    """A toolbox on a folder, with everything that it tells to others."""

    def __init__(
        self, root: Path, mode: Mode = "ask", person: Person | None = None, **rules: Any
    ) -> None:
        self.root = root
        self.desk = Desk(root, Workspace(root), root / ".specmill" / "outputs")
        self.written: list[tuple[str, ...]] = []
        self.decided: list[Decision] = []
        self.box = DeskToolbox(
            self.desk,
            catalog(),
            Permissions(mode, root=root, **rules),
            person,
            before_write=lambda paths: self.written.append(tuple(paths)),
            redact=lambda text: text.replace("hunter2", "[secret]"),
            decided=self.decided.append,
        )

    def run(self, name: str, **given: Any) -> tuple[str, bool]:
        call = ToolCall("1", name, given)
        assert self.box.malformed(call) == ""
        result = self.box.run(call)
        return result.text, result.is_error

    @property
    def outcomes(self) -> list[str]:
        return [decision.outcome for decision in self.decided]


def test_a_write_is_shown_and_done_when_the_person_agrees(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("select 1\n")
    person = Person(Approval(True))
    bench = Bench(tmp_path, person=person)
    bench.run("read_file", path="a.sql")
    text, failed = bench.run("edit_file", path="a.sql", old="1", new="2")
    assert not failed
    assert "changed 1 place" in text
    assert (tmp_path / "a.sql").read_text() == "select 2\n"
    ((_, preview, why),) = person.asked
    assert "-select 1\n+select 2" in preview
    assert why == "edit_file asks in ask mode"
    assert bench.written == [("a.sql",)]
    assert bench.outcomes == ["allowed", "approved"]


def test_a_rejection_is_told_with_its_reason(tmp_path: Path) -> None:
    bench = Bench(tmp_path, person=Person(Approval(False, "use the staging model")))
    text, failed = bench.run("write_file", path="a.sql", content="x")
    assert failed
    assert text == "rejected by the person: use the staging model"
    assert not (tmp_path / "a.sql").exists()
    assert bench.written == []
    assert [(d.outcome, d.why) for d in bench.decided] == [("rejected", "use the staging model")]


def test_always_is_asked_once(tmp_path: Path) -> None:
    person = Person(Approval(True, always=True))
    bench = Bench(tmp_path, person=person)
    bench.run("write_file", path="a.sql", content="x")
    bench.run("write_file", path="b.sql", content="y")
    assert len(person.asked) == 1
    assert bench.outcomes == ["approved", "allowed"]


def test_nobody_is_there_to_be_asked(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    text, failed = bench.run("write_file", path="a.sql", content="x")
    assert failed
    assert "nobody is here to be asked" in text
    assert bench.outcomes == ["unanswered"]


def test_a_denied_call_is_told_why_and_nobody_is_asked(tmp_path: Path) -> None:
    person = Person(Approval(True))
    bench = Bench(tmp_path, "auto", person, deny=["write(seeds/**)"])
    text, failed = bench.run("write_file", path="seeds/a.csv", content="x")
    assert failed
    assert "the rule write(seeds/**) says so" in text
    assert person.asked == []
    assert bench.decided[0].rule == "write(seeds/**)"


CHEATS = [
    ("git commit --no-verify -m x", "skips the repository's checks"),
    ("git reset --hard", "throws work away"),
    ("cat ../secret", "outside of the work tree"),
    ("bash -c 'git push --force'", "rewrites what others have"),
    ("rm -rf .git", "belongs to git"),
]


@pytest.mark.parametrize(("command", "why"), CHEATS)
def test_no_person_and_no_rule_lets_a_cheat_through(tmp_path: Path, command: str, why: str) -> None:
    person = Person(Approval(True))
    bench = Bench(tmp_path, "auto", person, allow=["shell"])
    text, failed = bench.run("shell", command=command)
    assert failed
    assert why in text
    assert person.asked == []
    assert bench.outcomes == ["denied"]


def test_a_call_that_would_fail_is_not_asked_for(tmp_path: Path) -> None:
    person = Person(Approval(True))
    bench = Bench(tmp_path, person=person)
    text, failed = bench.run("edit_file", path="nope.sql", old="a", new="b")
    assert failed
    assert "there is no nope.sql" in text
    assert person.asked == []


def test_secrets_are_taken_out_of_results_and_errors(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("-- hunter2\n")
    bench = Bench(tmp_path, "edit")
    assert "[secret]" in bench.run("read_file", path="a.sql")[0]
    text, _ = bench.run("edit_file", path="a.sql", old="-- hunter3", new="x")
    assert "[secret]" in text
    assert "hunter2" not in text


def test_a_turn_that_was_stopped_while_asking_runs_nothing(tmp_path: Path) -> None:
    bench = Bench(tmp_path, person=Person(Approval(True)))
    bench.desk.cancel.set()
    with pytest.raises(Cancelled):
        bench.run("write_file", path="a.sql", content="x")
    assert not (tmp_path / "a.sql").exists()


def test_what_is_hidden_by_a_rule_is_found_by_no_tool(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("needle\n")
    (tmp_path / "b.csv").write_text("needle\n")
    bench = Bench(tmp_path, "auto", deny=["read(data/**)"])
    assert bench.run("search", pattern="needle")[0] == "b.csv:1: needle"
    assert bench.run("list_files")[0] == "b.csv"
    text, failed = bench.run("read_file", path="data/a.csv")
    assert failed
    assert "read(data/**)" in text


def test_a_rule_about_no_tool_stops_everything(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no tool wrte"):
        Bench(tmp_path, deny=["wrte"])


def test_a_bug_is_not_told_to_the_model(tmp_path: Path) -> None:
    def broken(desk: Desk, **given: Any) -> str:
        raise InternalError("a bug")

    bench = Bench(tmp_path)
    bench.box = DeskToolbox(
        bench.desk,
        {"read_file": replace(catalog()["read_file"], function=broken)},
        bench.box.permissions,
    )
    with pytest.raises(InternalError):
        bench.box.run(ToolCall("1", "read_file", {"path": "a"}))


def test_an_unknown_tool_and_wrong_input_are_said(tmp_path: Path) -> None:
    box = Bench(tmp_path).box
    assert "there is no tool raed_file" in box.malformed(ToolCall("1", "raed_file", {}))
    assert "path is missing" in box.malformed(ToolCall("1", "read_file", {}))
    assert box.reads_only(ToolCall("1", "read_file", {}))
    assert not box.reads_only(ToolCall("1", "shell", {}))


def test_closing_ends_what_tools_left_running(tmp_path: Path) -> None:
    class Warm:
        closed = False

        def close(self) -> None:
            self.closed = True

    bench, warm = Bench(tmp_path), Warm()
    bench.desk.extras |= {"dbt": warm, "personal": ((), frozenset())}
    bench.box.close()
    assert warm.closed
    assert bench.desk.extras == {}


def test_definitions_are_the_same_bytes_in_every_process() -> None:
    program = (
        "import json; from tools.catalog import catalog; "
        "print(json.dumps([t.definition() for t in catalog().values()]))"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            check=True,
            env={"PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[2],
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]
    names = [definition["name"] for definition in json.loads(runs[0])]
    assert names == sorted(names)
