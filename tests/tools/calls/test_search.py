"""Files are listed and searched as git sees them; slow patterns are stopped."""

from __future__ import annotations

from typing import Any

import pytest

from tools.calls import search as search_tool


def fill(office: Any) -> None:
    office.put("models/a.sql", "select Order_id\nfrom {{ ref('b') }}\n")
    office.put("models/deep/b.sql", "select order_id\n")
    office.put("notes.md", "order_id\n")
    office.put("target/a.sql", "order_id\n")
    office.put("models/.gitignore", "*.tmp\n")
    office.put("models/x.tmp", "order_id\n")
    office.put(".gitignore", "target/\n")
    office.put(".env", "order_id\n")
    office.put(".specmill/runs/a", "order_id\n")
    office.put("data.bin", b"\x00order_id")
    (office.root / "again").symlink_to("models")


@pytest.mark.parametrize("repository", [True, False])
def test_ignored_internal_and_secret_files_are_not_there(office: Any, repository: bool) -> None:
    fill(office)
    if repository:
        office.git("init", "-q")
    expected = [".gitignore", "data.bin", "models/.gitignore", "models/a.sql", "models/deep/b.sql",
                "notes.md"]  # fmt: skip
    assert office.call("list_files").splitlines() == expected
    assert office.call("list_files", path="models/deep") == "models/deep/b.sql"
    assert office.call("list_files", glob="**/*.sql").splitlines() == expected[3:5]
    assert office.call("list_files", glob="*.md", path=".") == "notes.md"
    assert office.call("search", pattern="order_id").splitlines() == [
        "models/deep/b.sql:1: select order_id",
        "notes.md:1: order_id",
    ]


def test_a_list_that_is_long_says_so(office: Any) -> None:
    for number in range(5):
        office.put(f"{number}.sql", "x")
    assert (
        office.call("list_files", limit=2) == "0.sql\n1.sql\n[3 more; narrow it with path or glob]"
    )
    assert office.call("search", pattern="x", limit=1).endswith(
        "[4 more; narrow it with path or glob]"
    )
    assert office.call("list_files", glob="*.py") == "[no file below . matches *.py]"


def test_case_path_and_glob_narrow_a_search(office: Any) -> None:
    fill(office)
    lines = office.call("search", pattern="ORDER_ID", ignore_case=True, glob="**/*.sql")
    assert lines.splitlines()[0] == "models/a.sql:1: select Order_id"
    assert office.call("search", pattern=r"ref\('\w+'\)", path="models/a.sql") == (
        "models/a.sql:2: from {{ ref('b') }}"
    )
    assert office.call("search", pattern="nowhere") == "[no line matches in 6 files]"


def test_a_long_line_shows_the_part_that_matches(office: Any) -> None:
    office.put("a.json", "x" * 5000 + "needle" + "y" * 5000)
    line = office.call("search", pattern="needle")
    assert "needle" in line
    assert len(line) < 400


def test_a_pattern_that_is_none(office: Any) -> None:
    assert "no regular expression" in office.error("search", pattern="(")


@pytest.mark.parametrize("glob", ["**/" * 30 + "*.sql", "**/*a*/**/*b*/**/*c*/**", "x" * 300])
def test_a_glob_takes_no_time(office: Any, glob: str) -> None:
    office.put("a/" * 60 + "b.txt", "x")
    if glob.endswith(".sql"):
        assert office.call("list_files", glob=glob).startswith("[no file")
    else:
        assert "too complicated" in office.error("search", pattern="x", glob=glob)


def test_a_slow_pattern_is_stopped(office: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_tool, "SECONDS", 0.5)
    office.put("a.txt", "a" * 60 + "b")
    assert "took longer" in office.error("search", pattern="(a+)+$")


def test_places_that_are_not_searched(office: Any) -> None:
    assert "not a path inside" in office.error("search", pattern="x", path="../..")
    assert "belongs to git" in office.error("list_files", path=".specmill/runs")
