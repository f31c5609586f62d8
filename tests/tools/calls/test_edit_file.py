"""Edits are exact, unique, of a file that is known as it is; all other bytes stay."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.calls._files import TextFile


def test_an_edit_shows_its_place(office: Any) -> None:
    place = office.put("a.sql", "one\ntwo\nthree\nfour\n")
    office.call("read_file", path="a.sql")
    result = office.result("edit_file", path="a.sql", old="two\n", new="2a\n2b\n")
    assert place.read_text() == "one\n2a\n2b\nthree\nfour\n"
    assert result.changed == ("a.sql",)
    assert result.text.startswith("changed 1 place in a.sql\n     1\tone\n     2\t2a")


def test_the_preview_is_a_diff_and_changes_nothing(office: Any) -> None:
    place = office.put("a.sql", "one\ntwo\n")
    office.call("read_file", path="a.sql")
    diff = office.preview("edit_file", path="a.sql", old="two", new="2")
    assert diff == "--- a/a.sql\n+++ b/a.sql\n@@ -1,2 +1,2 @@\n one\n-two\n+2"
    assert place.read_text() == "one\ntwo\n"


def test_a_file_that_was_not_read_is_not_changed(office: Any) -> None:
    office.put("a.sql", "one")
    assert "have not read a.sql" in office.error("edit_file", path="a.sql", old="one", new="1")


def test_a_file_that_changed_since_is_not_changed(office: Any) -> None:
    place = office.put("a.sql", "one")
    office.call("read_file", path="a.sql")
    place.write_text("one and more")
    assert "changed since you read it" in office.error(
        "edit_file", path="a.sql", old="one", new="1"
    )
    assert place.read_text() == "one and more"


def test_edits_follow_each_other_without_reading_again(office: Any) -> None:
    place = office.put("a.sql", "one two")
    office.call("read_file", path="./a.sql")
    office.call("edit_file", path="a.sql", old="one", new="1")
    office.call("edit_file", path="a.sql", old="two", new="2")
    assert place.read_text() == "1 2"


def test_old_text_that_is_not_there_shows_the_nearest_lines(office: Any) -> None:
    office.put("a.sql", "select\n    order_id,\n    customer_id\nfrom orders\n")
    office.call("read_file", path="a.sql")
    said = office.error("edit_file", path="a.sql", old="order_idd,\n    customer_id", new="x")
    assert "Nearest:" in said
    assert "     2\t    order_id," in said
    said = office.error("edit_file", path="a.sql", old="  order_id,\n  customer_id", new="x")
    assert "white space only" in said
    said = office.error("edit_file", path="a.sql", old="     2\t    order_id,", new="x")
    assert "line numbers" in said
    said = office.error("edit_file", path="a.sql", old="zzzzzzzzzzz", new="x")
    assert "No line looks like it" in said


def test_old_text_that_is_there_twice(office: Any) -> None:
    place = office.put("a.sql", "a\nb\na\n")
    office.call("read_file", path="a.sql")
    said = office.error("edit_file", path="a.sql", old="a\n", new="c\n")
    assert "2 times, on lines 1, 3" in said
    text = office.call("edit_file", path="a.sql", old="a\n", new="c\n", replace_all=True)
    assert "changed 2 places" in text
    assert place.read_text() == "c\nb\nc\n"


@pytest.mark.parametrize(("old", "said"), [("", "old is empty"), ("one", "are the same")])
def test_edits_that_mean_nothing(office: Any, old: str, said: str) -> None:
    office.put("a.sql", "one")
    office.call("read_file", path="a.sql")
    assert said in office.error("edit_file", path="a.sql", old=old, new="one")


def test_windows_line_ends_and_the_mark_stay(office: Any) -> None:
    place = office.put("a.sql", "\ufeffone\r\ntwo\r\nthree\n")
    office.call("read_file", path="a.sql")
    office.call("edit_file", path="a.sql", old="one\ntwo", new="1\n1b\n2")
    assert place.read_bytes() == "\ufeff1\r\n1b\r\n2\r\nthree\n".encode()


def test_a_refused_file_is_not_changed(office: Any) -> None:
    office.put("tests/a.sql", "one")
    office.call("read_file", path="tests/a.sql")
    office.desk.refuses = lambda path: "a repair changes no test" if "tests/" in path else ""
    for path in ("tests/a.sql", "./tests/a.sql"):
        assert "a repair changes no test" in office.error(
            "edit_file", path=path, old="one", new="1"
        )


def test_nothing_is_written_through_a_link(office: Any) -> None:
    outside = office.root.parent / "outside"
    outside.mkdir()
    (office.root / "link").symlink_to(outside)
    office.put("real.sql", "one")
    (office.root / "alias.sql").symlink_to("real.sql")
    office.call("read_file", path="alias.sql")
    assert "symbolic link" in office.error("edit_file", path="alias.sql", old="one", new="1")
    assert "symbolic link" in office.error("write_file", path="link/x.sql", content="x")
    assert list(outside.iterdir()) == []


LINES = st.lists(st.sampled_from(["a", "b", "", "ab"]), min_size=1, max_size=8)
ENDS = st.lists(st.sampled_from(["\n", "\r\n"]), min_size=8, max_size=8)


@given(LINES, ENDS, st.data())
def test_only_what_is_replaced_changes(lines: list[str], ends: list[str], data: Any) -> None:
    text = "".join(line + end for line, end in zip(lines, ends, strict=False))
    file = TextFile(text, "", False)
    start = data.draw(st.integers(0, len(file.plain)))
    length = data.draw(st.integers(0, len(file.plain) - start))
    made = file.replaced([start], length, "N")
    assert made.replace("\r\n", "\n") == file.plain[:start] + "N" + file.plain[start + length :]
    before, after = made.split("N")
    assert text.startswith(before)
    assert text.endswith(after)
