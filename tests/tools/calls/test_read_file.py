"""Files are read with line numbers, in parts; what is not the model's to see is not shown."""

from __future__ import annotations

import os
from typing import Any

import pytest


def test_lines_come_with_their_numbers(office: Any) -> None:
    office.put("a.sql", "select 1\n\nfrom x")
    assert office.call("read_file", path="a.sql") == "     1\tselect 1\n     2\t\n     3\tfrom x"


def test_a_part_says_what_part_it_is(office: Any) -> None:
    office.put("a.sql", "".join(f"{n}\n" for n in range(1, 11)))
    text = office.call("read_file", path="./a.sql", offset=3, limit=2)
    assert text == "     3\t3\n     4\t4\n[lines 3 to 4 of 10; go on with offset=5]"
    assert "go on" not in office.call("read_file", path="a.sql", offset=9)
    assert "there is no line 11" in office.error("read_file", path="a.sql", offset=11)


def test_an_empty_file_is_said_to_be_empty(office: Any) -> None:
    office.put("a.sql", "")
    assert office.call("read_file", path="a.sql") == "[a.sql is empty]"


def test_long_lines_and_long_files_are_cut_and_said_to_be(office: Any) -> None:
    office.put("wide.txt", "x" * 5000)
    assert office.call("read_file", path="wide.txt").endswith("[... line cut ...]")
    office.put("long.txt", ("y" * 1000 + "\n") * 500)
    text = office.call("read_file", path="long.txt", limit=500)
    assert len(text) < 65_000
    assert "go on with offset=61" in text


def test_windows_files_are_shown_plain_and_said(office: Any) -> None:
    office.put("a.sql", "\ufeffa\r\nb\r\n")
    assert office.call("read_file", path="a.sql") == (
        "     1\ta\n     2\tb\n[line ends are CRLF; edits keep them]"
    )


def test_a_name_that_is_nearly_right(office: Any) -> None:
    office.put("models/orders.sql", "x")
    assert "Did you mean orders.sql?" in office.error("read_file", path="models/order.sql")
    assert "folder does not exist" in office.error("read_file", path="model/orders.sql")
    assert "list_files" in office.error("read_file", path="models")


def test_what_is_no_text(office: Any) -> None:
    office.put("a.bin", b"\x00\x01")
    office.put("b.txt", "naïve".encode("latin-1"))
    assert "not a text file" in office.error("read_file", path="a.bin")
    assert "not UTF-8" in office.error("read_file", path="b.txt")


@pytest.mark.parametrize(
    "path",
    ["../x", "/etc/passwd", "a/../../x", "~/x/../..", "C:/x", "a\\b", "a\nb", ".git/config",
     "sub/.GIT/config", ".specmill/runs/x", "./../x", "a//../b"],
)  # fmt: skip
def test_paths_that_lead_out_are_refused(office: Any, path: str) -> None:
    said = office.error("read_file", path=path)
    assert "not a path inside" in said or "belongs to git" in said


@pytest.mark.parametrize(
    "path",
    [".env", "a/.env.local", ".ENV", ".ssh/config", "certs/x.pem", "id_rsa", ".netrc",
     "secrets.toml", ".aws/credentials", "service-account-prod.json", ".git-credentials"],
)  # fmt: skip
def test_files_of_secrets_are_refused(office: Any, path: str) -> None:
    office.put(path, "hunter2")
    assert "may hold secrets" in office.error("read_file", path=path)


def test_an_example_of_a_secret_file_is_none(office: Any) -> None:
    office.put(".env.example", "KEY=")
    assert "KEY=" in office.call("read_file", path=".env.example")


def test_links_are_followed_inside_only(office: Any) -> None:
    office.put("real/a.sql", "select 1")
    office.put(".env", "hunter2")
    outside = office.root.parent / "outside.txt"
    outside.write_text("other")
    (office.root / "link").symlink_to("real")
    (office.root / "out.txt").symlink_to(outside)
    (office.root / "innocent.txt").symlink_to(".env")
    assert "select 1" in office.call("read_file", path="link/a.sql")
    assert "leads out" in office.error("read_file", path="out.txt")
    assert "may hold secrets" in office.error("read_file", path="innocent.txt")


def test_a_hidden_file_is_not_shown(office: Any) -> None:
    office.put("data/a.csv", "x")
    (office.root / "link").symlink_to("data")
    office.desk.hides = lambda path: "a rule" if path.startswith("data/") else ""
    assert "may not be read: a rule" in office.error("read_file", path="data/a.csv")
    assert "may not be read: a rule" in office.error("read_file", path="link/a.csv")


def test_a_pipe_is_not_waited_for(office: Any) -> None:
    os.mkfifo(office.root / "pipe")
    assert "no regular file" in office.error("read_file", path="pipe")
