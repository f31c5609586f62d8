"""Specs are read, checked, planned, compiled, and changed in place with comments kept."""

from __future__ import annotations

import difflib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

SPEC = """\
# Orders of the shop.
pipeline: orders
version: 1.0.0
owner: sales
description: Orders.   # short
dialect: duckdb
sources:
  - name: shop
    system: mysql
    connection: env:SHOP_DSN
    tables:
      - name: order
        columns: [{name: order_id, type: bigint, nullable: false},   {name: status, type: varchar},
                  {name: email, type: varchar, pii: true}]
        primary_key: [order_id]

models:
  # The one that everybody reads.
  - name: orders
    layer: marts
    description: One row an order.
    grain: [order_id]
    from: shop.order
    columns:
      - {name: order_id, type: bigint, description: Number.}   # the key
      - name: status
        type: varchar
        expr: "lower({status})"
        description: 'State.'
    load: {strategy: full}
"""
PATH = "specs/orders.yaml"


@pytest.fixture
def spec(office: Any) -> Path:
    place: Path = office.put(PATH, SPEC)
    return place


def changed_lines(before: str, after: str) -> list[str]:
    lines = difflib.ndiff(before.splitlines(), after.splitlines())
    return [line for line in lines if line[0] in "+-"]


def test_a_spec_is_shown_as_it_is_understood(office: Any, spec: Path) -> None:
    text = office.call("read_spec", path=PATH)
    assert YAML(typ="safe").load(text.partition("[notes]")[0])["pipeline"] == "orders"
    assert office.call("read_spec", path=PATH, at="models.orders.grain") == "- order_id\n"
    assert "expr: lower({status})" in office.call(
        "read_spec", path=PATH, at="models.0.columns.status"
    )
    assert "did you mean 'orders'?" in office.error("read_spec", path=PATH, at="models.oders")
    assert "nothing is below" in office.error("read_spec", path=PATH, at="pipeline.x")


def test_a_spec_is_checked_and_planned(office: Any, spec: Path) -> None:
    assert office.call("check_spec", path=PATH).startswith(f"{PATH}: 0 errors")
    plan = office.call("plan", path=PATH)
    assert "model:orders  compiled  generated/dbt/models/marts/orders.sql" in plan
    code = office.call("compile_step", path=PATH, step="model:orders")
    assert code.startswith("[generated/dbt/models/marts/orders.sql, compiled]\n")
    assert "lower(" in code
    assert "did you mean 'model:orders'?" in office.error(
        "compile_step", path=PATH, step="model:order"
    )
    assert not (office.root / "generated").exists()


def test_what_is_wrong_has_its_line(office: Any, spec: Path) -> None:
    spec.write_text(SPEC.replace("layer: marts", "layer: mart"))
    for tool in ("read_spec", "check_spec", "plan"):
        assert f"{PATH}:20:" in office.error(tool, path=PATH)
    spec.write_text(SPEC.replace("{status}", "{stat}"))
    assert "error" in office.call("check_spec", path=PATH)
    assert "correct them first" in office.error("plan", path=PATH)
    assert "there is no specs/nope.yaml" in office.error("plan", path="specs/nope.yaml")
    assert "is a folder" in office.error("plan", path="specs")


def edit(office: Any, action: str, at: str, value: Any = None) -> str:
    given = {"path": PATH, "action": action, "at": at}
    text: str = office.call("edit_spec", **given, **({} if value is None else {"value": value}))
    return text


def test_a_value_is_set_and_nothing_else_changes(office: Any, spec: Path) -> None:
    at = "models.orders.columns.status.expr"
    diff = office.preview("edit_spec", path=PATH, action="set", at=at, value="upper({status})")
    assert spec.read_text() == SPEC
    assert "+        expr: upper({status})" in diff.replace('"', "")
    edit(office, "set", at, "upper({status})")
    changed = changed_lines(SPEC, spec.read_text())
    assert [line.replace('"', "").strip("+- ") for line in changed] == [
        "expr: lower({status})",
        "expr: upper({status})",
    ]


def test_entries_are_appended_and_removed(office: Any, spec: Path) -> None:
    column = {"name": "state", "type": "varchar", "expr": "{status}", "description": "As it is."}
    edit(office, "append", "models.orders.columns", column)
    assert all(line.startswith("+") for line in changed_lines(SPEC, spec.read_text()))
    edit(office, "remove", "models.orders.columns.state")
    assert spec.read_text() == SPEC
    edit(office, "append", "tags", "daily")
    assert YAML(typ="safe").load(spec)["tags"] == ["daily"]
    edit(office, "set", "tags.0", "hourly")
    assert YAML(typ="safe").load(spec)["tags"] == ["hourly"]


def test_a_change_that_breaks_the_spec_is_not_made(office: Any, spec: Path) -> None:
    said = office.error("edit_spec", path=PATH, action="set", at="models.orders.layr", value="x")
    assert "unknown key 'layr'" in said
    said = office.error("edit_spec", path=PATH, action="remove", at="pipeline")
    assert "pipeline" in said
    assert spec.read_text() == SPEC


def test_a_change_says_what_the_check_says(office: Any, spec: Path) -> None:
    assert "error" in edit(office, "set", "models.orders.columns.status.expr", "lower({nope})")


WRONG = [
    ({"action": "set", "at": "models.orders.where"}, "needs a value"),
    ({"action": "set", "at": "", "value": 1}, "at is empty"),
    ({"action": "append", "at": "pipeline", "value": 1}, "no list to append to"),
    ({"action": "remove", "at": "models.orders.where"}, "there is no where"),
    ({"action": "remove", "at": "models.9"}, "there is no 9"),
]


@pytest.mark.parametrize(("given", "said"), WRONG)
def test_changes_that_mean_nothing(
    office: Any, spec: Path, given: dict[str, Any], said: str
) -> None:
    assert said in office.error("edit_spec", path=PATH, **given)
    assert spec.read_text() == SPEC


def test_what_is_known_of_the_file_stays_true(office: Any, spec: Path) -> None:
    edit(office, "append", "tags", "daily")
    assert "have not read" in office.error("edit_file", path=PATH, old="daily", new="x")
    office.call("read_file", path=PATH)
    edit(office, "append", "tags", "hourly")
    office.call("edit_file", path=PATH, old="hourly", new="weekly")
    assert YAML(typ="safe").load(spec)["tags"] == ["daily", "weekly"]


def test_line_ends_stay(office: Any, spec: Path) -> None:
    spec.write_bytes(SPEC.replace("\n", "\r\n").encode())
    edit(office, "append", "tags", "daily")
    data = spec.read_bytes()
    assert data.count(b"\n") == data.count(b"\r\n")
    assert b"# Orders of the shop.\r\n" in data


def test_a_spec_in_json(office: Any, spec: Path) -> None:
    data = YAML(typ="safe").load(SPEC)
    place = office.put("specs/orders.json", json.dumps(data))
    spec.unlink()
    office.call("edit_spec", path="specs/orders.json", action="set", at="owner", value="ops")
    assert json.loads(place.read_text()) == {**data, "owner": "ops"}
    office.call("remember", path="specs/orders.json", what="It is so.", why="Because.")
    assert json.loads(place.read_text())["decisions"][0]["what"] == "It is so."


def test_a_decision_is_remembered_once_with_comments_kept(office: Any, spec: Path) -> None:
    for _ in range(2):
        office.call("remember", path=PATH, what="Lower case.", why="Ana: they differ.", who="Ana")
    text = spec.read_text()
    assert all(line.startswith("+") for line in changed_lines(SPEC, text))
    (decision,) = YAML(typ="safe").load(text)["decisions"]
    assert decision["date"] <= datetime.now(UTC).date()
    assert (decision["who"], decision["what"]) == ("Ana", "Lower case.")
    assert "# The one that everybody reads." in text


def test_protected_specs_are_not_changed(office: Any, spec: Path) -> None:
    office.desk.refuses = lambda path: "a repair changes no spec" if "specs/" in path else ""
    given: dict[str, Any] = {"path": PATH, "what": "x", "why": "y"}
    assert "changes no spec" in office.error("remember", **given)
    assert "changes no spec" in office.error(
        "edit_spec", path=PATH, action="set", at="owner", value="x"
    )
    assert "not a path" in office.error(
        "edit_spec", path="../x.yaml", action="set", at="owner", value="x"
    )
    assert [place.name for place in office.root.iterdir()] == ["specs"]
