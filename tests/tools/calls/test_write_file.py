"""Files are written whole: new ones, or ones that are known as they are."""

from __future__ import annotations

from typing import Any


def test_a_new_file_in_a_new_folder(office: Any) -> None:
    result = office.result("write_file", path="models/a.sql", content="one\ntwo\n")
    assert (office.root / "models/a.sql").read_text() == "one\ntwo\n"
    assert result.text == "wrote models/a.sql: 2 lines"
    assert result.changed == ("models/a.sql",)
    office.call("edit_file", path="models/a.sql", old="two", new="2")


def test_a_known_file_is_replaced_in_its_line_ends(office: Any) -> None:
    place = office.put("a.sql", "\ufeffone\r\ntwo\r\n")
    assert "have not read" in office.error("write_file", path="a.sql", content="x")
    office.call("read_file", path="a.sql")
    assert office.preview("write_file", path="a.sql", content="one\n2\n").endswith("-two\n+2")
    office.call("write_file", path="a.sql", content="one\n2\n")
    assert place.read_bytes() == "\ufeffone\r\n2\r\n".encode()


def test_the_same_content_changes_nothing(office: Any) -> None:
    office.put("a.sql", "one\n")
    office.call("read_file", path="a.sql")
    result = office.result("write_file", path="a.sql", content="one\n")
    assert result.changed == ()


def test_places_that_are_not_written(office: Any) -> None:
    office.put("models/a.sql", "x")
    office.put(".specmill/outputs/dbt-1.txt", "x")
    assert "is a folder" in office.error("write_file", path="models", content="x")
    assert "is a folder" in office.error("write_file", path=".", content="x")
    assert "may hold secrets" in office.error("write_file", path=".env", content="x")
    for path in (".git/hooks/pre-commit", ".specmill/trust.json", ".specmill/outputs/dbt-1.txt"):
        said = office.error("write_file", path=path, content="x")
        assert "belongs to" in said or "not a path" in said or "output of a tool" in said
    assert "is a file, not a folder" in office.error(
        "write_file", path="models/a.sql/b.sql", content="x"
    )
    assert "not a character" in office.error("write_file", path="b.sql", content="\ud800")
