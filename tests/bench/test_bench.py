"""The bench measures what it says; how long anything takes is not tested."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

import bench.__main__ as command
from agent.checking import check_workspace
from agent.config import Settings
from bench.checking import make_workspace
from bench.imports import ENTRIES, own_microseconds
from bench.measure import Failed, Table, alternating, seconds
from bench.running import Timeline
from tools.workspace import find_workspace


def test_a_table_is_markdown_and_aligned() -> None:
    table = Table("Start", ("command", "ms"), (("a", "1"), ("longer one", "1000")), ("A note.",))
    assert list(table.lines()) == [
        "## Start",
        "",
        "| command    |   ms |",
        "|------------|-----:|",
        "| a          |    1 |",
        "| longer one | 1000 |",
        "",
        "A note.",
    ]


def test_what_is_compared_is_measured_in_turn() -> None:
    order: list[str] = []

    def call(name: str) -> float:
        order.append(name)
        return float(len(order))

    found = alternating({"a": lambda: call("a"), "b": lambda: call("b")}, 3)
    assert order == ["a", "b"] * 3
    assert found == {"a": [1, 3, 5], "b": [2, 4, 6]}


def test_a_command_that_fails_is_not_a_measurement() -> None:
    assert seconds([sys.executable, "-c", "pass"]) > 0
    with pytest.raises(Failed, match="ended with 3:\nwhy"):
        seconds([sys.executable, "-c", "print('why'); raise SystemExit(3)"])


def test_the_specs_that_are_checked_are_good_and_all_different(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_workspace(tmp_path / "many", 3)
    monkeypatch.chdir(tmp_path / "many")
    checked = check_workspace(find_workspace(tmp_path / "many"), Settings())
    assert checked.counts["specs"] == 3
    assert [str(f) for f in checked.report.errors] == []


def test_imports_are_counted_by_package() -> None:
    found = own_microseconds("import click, json")
    assert found["click"] > 0
    assert "standard library" in found
    assert "click" not in own_microseconds("import json")


@pytest.mark.parametrize("statement", [s for n, s in ENTRIES.items() if "dbt" not in n])
def test_what_is_traced_can_be_imported(statement: str) -> None:
    assert own_microseconds(statement)["agent"] > 0


def test_the_parts_of_a_run_add_up() -> None:
    tiers = [{"name": "build", "seconds": 2.5}]
    line = Timeline(
        total=5.0,
        events=(
            (1.0, {"event": "run"}),
            (1.5, {"event": "end", "node": "plan", "seconds": 0.25}),
            (4.5, {"event": "end", "node": "test", "seconds": 2.75}),
            (4.75, {"event": "result", "state": {"outcome": {"tiers": tiers}}}),
        ),
    )
    parts = dict(line.parts())
    assert parts.pop("  build") == 2.5
    assert sum(parts.values()) == pytest.approx(line.total)
    assert parts["end, after the last event"] == 0.25


def test_a_failure_is_said_and_is_no_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(quick: bool) -> tuple[Table, ...]:
        raise Failed(f"quick is {quick}")

    monkeypatch.setattr(command, "PARTS", {"start": fails})
    monkeypatch.setattr(command, "RESULTS", tmp_path / "RESULTS.md")
    done = CliRunner().invoke(command.main, ["--quick", "--save"])
    assert done.exit_code == 1
    assert "quick is True" in done.output
    assert not (tmp_path / "RESULTS.md").exists()


def test_results_name_no_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import platform

    table = Table("Start", ("command", "ms"), (("a", "1"),))
    monkeypatch.setattr(command, "PARTS", {"start": lambda quick: (table,)})
    monkeypatch.setattr(command, "RESULTS", tmp_path / "RESULTS.md")
    done = CliRunner().invoke(command.main, ["--save"])
    assert done.exit_code == 0
    text = (tmp_path / "RESULTS.md").read_text(encoding="utf-8")
    assert "cores" in text
    assert text.strip() == done.output.strip()
    assert platform.node() not in text
