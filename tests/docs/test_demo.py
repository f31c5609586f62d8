"""The demo ends well, and does not say that it did when it did not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from docs import demo
from docs.build import ROOT

_OPEN = {"a": (1, "placed", "monday", None), "b": (2, "paid", "monday", None)}
_PAID = {**_OPEN, "a": (1, "placed", "monday", "tuesday"), "c": (1, "paid", "tuesday", None)}


@pytest.mark.slow
def test_the_demo_plays_from_beginning_to_end(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "docs.demo", "--dir", str(tmp_path / "play")]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("$ specmill run specs/dim_order.yaml") == 2
    assert "  closed    5003" in done.stdout
    assert "  added     5003" in done.stdout
    assert str(tmp_path / "play") in done.stdout
    assert (tmp_path / "play" / "specs" / "dim_order.yaml").is_file()
    assert "\x1b[" not in done.stdout  # nobody looks: no colours


def test_one_closed_and_one_added_is_what_was_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    demo.show_change(_OPEN, _PAID)
    said = capsys.readouterr().out
    assert "closed" in said
    assert "as before: 1" in said


@pytest.mark.parametrize(
    "after",
    [
        _OPEN,
        {**_PAID, "d": (2, "void", "friday", None)},
        {**_PAID, "b": (2, "paid", "monday", "friday")},
        {key: row for key, row in _PAID.items() if key != "b"},
    ],
    ids=["nothing happened", "one more", "another closed", "one gone"],
)
def test_any_other_history_stops_the_demo(after: dict[object, demo.Version]) -> None:
    with pytest.raises(demo.Stopped, match="one version was to be closed and one added") as stopped:
        demo.show_change(_OPEN, after)
    assert stopped.value.code == 1


def test_a_command_that_fails_ends_the_demo_with_its_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(root: Path) -> None:
        demo.Workspace(root).call(sys.executable, "-c", "raise SystemExit(3)")

    monkeypatch.setattr(demo, "play", fails)
    done = CliRunner().invoke(demo.main, ["--dir", str(tmp_path)])
    assert done.exit_code == 3
    assert "exit code 3" in done.output
    assert f"the workspace is kept: {tmp_path}" in done.output


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("", encoding="utf-8")
    done = CliRunner().invoke(demo.main, ["--dir", str(tmp_path)])
    assert done.exit_code == 2
    assert "is not empty" in done.output
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_the_order_that_changes_is_in_the_example_data() -> None:
    data = (ROOT / demo.SPEC).parent / "data" / "order.csv"
    assert data.read_text(encoding="utf-8").count(demo.PLACED) == 1
