"""pytest runs in the work tree, confined; the end of what it says is kept."""

from __future__ import annotations

from typing import Any

import pytest

from tools import confine


def test_failures_and_summary(office: Any) -> None:
    office.put("tests/test_a.py", "def test_good(): pass\ndef test_bad(): assert 1 == 2\n")
    result = office.result("pytest")
    assert result.is_error
    assert "FAILED tests/test_a.py::test_bad" in result.text
    assert "1 failed, 1 passed" in result.text
    assert "[exit code 1, " in result.text
    assert not office.result("pytest", path="tests/test_a.py::test_good").is_error
    assert "1 passed" in office.call("pytest", match="good")


def test_the_end_of_long_output_is_kept(office: Any) -> None:
    office.put(
        "test_a.py",
        "import pytest\n@pytest.mark.parametrize('n', range(400))\n"
        "def test_bad(n): assert n == -1, 'x' * 100\n",
    )
    result = office.result("pytest")
    assert "400 failed" in result.text
    assert result.text.count("FAILED test_a.py") > 30
    assert len(result.text) < 13_000
    assert "left out; the whole is in .specmill/outputs/pytest-" in result.text


@pytest.mark.skipif(bool(confine.why_not()), reason=confine.why_not() or "it works")
def test_tests_cannot_change_what_is_protected(office: Any) -> None:
    office.put("specs/a.yaml", "a")
    office.put("test_a.py", "def test_a():\n    open('specs/a.yaml', 'w').write('b')\n")
    office.desk.refuses = lambda path: "a spec" if path.startswith("specs/") else ""
    assert "Read-only file system" in office.call("pytest")
    assert (office.root / "specs/a.yaml").read_text() == "a"


def test_paths_are_no_options(office: Any) -> None:
    assert "no options" in office.error("pytest", path="-pfoo")
    assert "not a path inside" in office.error("pytest", path="../x")
    office.put("-p.py", "x")
    assert "no options" in office.error("pytest", path="-p.py")
    assert office.result("pytest", match="-x").is_error
