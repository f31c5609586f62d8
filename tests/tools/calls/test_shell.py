"""The shell is confined to the work tree, its result says how it ended and how it ran."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from tools import confine
from tools.calls._cage import note

caged = pytest.mark.skipif(bool(confine.why_not()), reason=confine.why_not() or "it works")


def test_a_result_says_how_it_ended(office: Any) -> None:
    result = office.result("shell", command="echo out; echo err >&2; exit 3")
    assert result.is_error
    assert result.text.startswith("[exit code 3, ")
    assert "\nout\n[standard error]\nerr" in result.text
    assert not office.result("shell", command="cd / && true").is_error


def test_it_is_bash_in_the_work_tree(office: Any) -> None:
    office.put("a b.txt", "x")
    assert "a b.txt" in office.call("shell", command="set -o pipefail; ls | cat")


def test_time_that_is_up(office: Any) -> None:
    result = office.result("shell", command="echo begun; sleep 600", timeout=1)
    assert result.text.startswith("[stopped: it took longer than 1 s]\nbegun")
    assert result.is_error


def test_the_person_stops_it(office: Any) -> None:
    office.desk.cancel.set()
    assert "[stopped by the person" in office.call("shell", command="sleep 600")


def test_long_output_keeps_both_ends_and_the_whole(office: Any) -> None:
    result = office.result("shell", command="seq 1 20000")
    assert len(result.text) < 13_000
    assert "\n1\n" in result.text
    assert result.text.removesuffix(note()).rstrip().endswith("20000")
    assert result.full in result.text
    assert "10000" in office.call("read_file", path=result.full, offset=10_000, limit=3)
    assert office.call("search", pattern="^12345$", path=result.full).endswith(":12346: 12345")


@caged
def test_what_is_protected_and_secret_is_so_in_the_shell_too(office: Any) -> None:
    office.put("tests/a.sql", "a")
    office.put("models/test_b.sql", "b")
    office.put("models/c.sql", "c")
    office.put(".env", "hunter2")
    office.put("tests/deep/.env", "hunter2")
    office.put("data/x.csv", "hidden")
    office.git("init", "-q")
    office.desk.refuses = lambda path: (
        "a test" if path.startswith("tests/") or "test_" in path else ""
    )
    office.desk.hides = lambda path: "a rule" if path.startswith("data/") else ""
    text = office.call(
        "shell",
        command="echo z > tests/a.sql; echo z > tests/new.sql; echo z > models/test_b.sql;"
        "echo z > models/c.sql; cat .env data/x.csv tests/deep/.env; echo z > .git/config;"
        "git status --short",
    )
    assert (office.root / "tests/a.sql").read_text() == "a"
    assert not (office.root / "tests/new.sql").exists()
    assert (office.root / "models/test_b.sql").read_text() == "b"
    assert (office.root / "models/c.sql").read_text() == "z\n"
    assert "hunter2" not in text
    assert "hidden" not in text
    assert "z" not in (office.root / ".git/config").read_text().split()
    assert "?? models/" in text
    assert "not confined" not in text


def test_it_is_said_where_it_is_not_confined(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bash = shutil.which("bash")
    monkeypatch.setattr(shutil, "which", lambda name: bash if name == "bash" else None)
    confine.why_not.cache_clear()
    try:
        assert "[not confined: bubblewrap (bwrap) is not installed" in office.call(
            "shell", command="true"
        )
        assert "not confined" in office.preview("shell", command="true")
    finally:
        confine.why_not.cache_clear()
