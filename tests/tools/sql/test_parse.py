from pathlib import Path
from typing import Any

import pytest

from tests.cases import each
from tools.sql.parse import SqlError, column, parse_ddl, parse_expression, parse_query
from tools.sql.render import render

CASES = Path(__file__).parent / "cases"


@each(CASES / "expressions.yaml")
def test_expression(case: dict[str, Any]) -> None:
    dialect = case.get("dialect", "duckdb")
    marks = {name: column(*at) for name, at in case.get("marks", {}).items()}
    if "error" in case:
        with pytest.raises(SqlError) as caught:
            parse_expression(case["text"], dialect, marks)
        assert case["error"] in caught.value.message
        return
    tree = parse_expression(case["text"], dialect, marks)
    assert render(tree, "duckdb", read=dialect) == case["out"]


def test_placeholder_keeps_its_own_precedence() -> None:
    marks = {"from": parse_expression("a + b", "duckdb")}
    assert render(parse_expression("{from} * 2", "duckdb", marks), "duckdb") == "(a + b) * 2"


def test_error_says_where() -> None:
    with pytest.raises(SqlError) as caught:
        parse_expression("a +\n  b c d", "duckdb")
    assert (caught.value.line, caught.value.column > 0) == (2, True)


def test_deep_nesting_is_refused_not_a_crash() -> None:
    with pytest.raises(SqlError):
        parse_expression("(" * 5000 + "a" + ")" * 5000, "duckdb")


@pytest.mark.parametrize("text", ["", "insert into x values (1)", "select 1; select 2", "selec 1"])
def test_query_refuses(text: str) -> None:
    with pytest.raises(SqlError):
        parse_query(text, "duckdb")


def test_query_may_end_with_a_semicolon() -> None:
    assert render(parse_query("with a as (select 1 as x) select x from a;", "duckdb"), "duckdb")


def test_ddl() -> None:
    (table,) = parse_ddl(
        "create table `raw.orders` (id INT64 NOT NULL, note STRING, primary key (id))",
        "bigquery",
    )
    assert table.name == "orders"
    assert table.columns == (("id", "INT64", False), ("note", "STRING", True))
    assert table.primary_key == ("id",)


def test_ddl_without_a_table_is_refused() -> None:
    with pytest.raises(SqlError, match="creates no table"):
        parse_ddl("select 1", "duckdb")
