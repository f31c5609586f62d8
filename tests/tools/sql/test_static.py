from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.cases import each
from tools.sql.analyse import ColumnRef
from tools.sql.parse import SqlError, parse_expression
from tools.sql.static import compared_literals, outline, same_type

TABLES = {
    "orders": [("id", "bigint"), ("status", "varchar"), ("price", "decimal(8, 2)")],
    "people": [("id", "bigint"), ("name", "varchar")],
}


@each(Path(__file__).parent / "cases" / "outline.yaml")
def test_outline(case: dict[str, Any]) -> None:
    found = outline(case["sql"], "duckdb", TABLES)
    assert [[m.column, m.table, m.line] for m in found.missing] == case.get("missing", [])
    if "columns" in case:
        assert [list(c) for c in found.columns] == case["columns"]
    assert found.complete is case.get("complete", True)


@pytest.mark.parametrize("text", ["selct 1", "select 1; select 2", "delete from orders", ""])
def test_what_is_no_query_is_refused(text: str) -> None:
    with pytest.raises(SqlError):
        outline(text, "duckdb", TABLES)


def test_missing_columns_name_what_is_there() -> None:
    (missing,) = outline("select orders.nope from orders", "duckdb", TABLES).missing
    assert missing.known == ("id", "status", "price")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("case status when 'a' then 'x' when 'b' then 'y' end", [("status", "a"), ("status", "b")]),
        ("lower(kind) in ('u', 'v') and other <> 'w'",
         [("kind", "u"), ("kind", "v"), ("other", "w")]),
        ("'q' = status", [("status", "q")]),
        ("case when status = 'a' then 'x' else 'z' end = 'q'", [("status", "a")]),
        ("status || kind = 'ab'", []),
        ("amount = 3 or status is null", []),
    ],
)  # fmt: skip
def test_texts_that_columns_are_compared_to(text: str, expected: list[tuple[str, str]]) -> None:
    found = compared_literals(parse_expression(text, "duckdb"))
    assert sorted(found) == sorted((ColumnRef(c), v) for c, v in expected)


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("decimal(10, 2)", "DECIMAL(10,2)", True),
        ("text", "varchar", True),
        ("timestamp", "datetime", True),
        ("int", "bigint", False),
        ("timestamp", "timestamptz", False),
        ("no type at all (", "bigint", True),
    ],
)
def test_types_that_mean_the_same(left: str, right: str, same: bool) -> None:
    assert same_type(left, right, "duckdb") is same
