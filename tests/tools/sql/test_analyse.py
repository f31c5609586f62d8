from pathlib import Path
from typing import Any

import pytest

from tests.cases import each
from tools.sql import analyse
from tools.sql.analyse import ColumnRef
from tools.sql.infer import infer_type, parse_order
from tools.sql.parse import SqlError, parse_expression

CASES = Path(__file__).parent / "cases"


def tree(text: str, dialect: str = "duckdb") -> Any:
    return parse_expression(text, dialect)


@each(CASES / "null_rejection.yaml")
def test_null_rejection(case: dict[str, Any]) -> None:
    found = analyse.rejects_nulls_of(tree(case["text"]), "a", case.get("columns", ()))
    assert found is case["rejects"]


def test_columns_in_order_and_once() -> None:
    found = analyse.columns_in(tree("b.x + a.y + b.x + z"))
    assert found == (ColumnRef("x", "b"), ColumnRef("y", "a"), ColumnRef("z"))


def test_aggregates() -> None:
    assert analyse.is_aggregate(tree("sum(a) + 1"))
    assert not analyse.is_aggregate(tree("sum(a) over (partition by b)"))
    assert analyse.is_bare_aggregate(tree("sum(a) / count(*)"))
    assert not analyse.is_bare_aggregate(tree("sum(a) * b"))
    assert len(analyse.aggregates_in(tree("sum(a) * b + max(c)"))) == 2


def test_result_literals_of_a_case() -> None:
    closed = tree("case when a = 1 then 'x' when a = 2 then null else 'y' end")
    assert analyse.result_literals(closed) == ("x", "y")
    assert analyse.result_literals(tree("case when a = 1 then 'x' else b end")) is None
    assert analyse.result_literals(tree("case when a = 1 then 'x' end")) == ("x",)


def test_equalities_of_a_conjunction_only() -> None:
    assert len(analyse.equalities(tree("a.x = b.x and a.y = b.y and a.z > 1"))) == 2
    assert analyse.equalities(tree("a.x = b.x or a.y = b.y")) == ()


def test_nondeterministic() -> None:
    assert analyse.nondeterministic_functions(tree("now() > a"))
    assert analyse.nondeterministic_functions(tree("current_date - a"))
    assert analyse.nondeterministic_functions(tree("date_trunc('day', a)")) == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("upper(t.name)", "TEXT"),
        ("count(*)", "BIGINT"),
        ("t.at > now()", "BOOLEAN"),
        ("t.at::date", "DATE"),
        ("t.unknown + 1", None),
        ("made_up(t.name)", None),
    ],
)
def test_inferred_type(text: str, expected: str | None) -> None:
    types = {ColumnRef("name", "t"): "varchar", ColumnRef("at", "t"): "timestamp"}
    assert infer_type(tree(text), types, "duckdb") == expected


@pytest.mark.parametrize("text", ["a, b", "a limit 1", "(select 1)", "", "a desc; drop table x"])
def test_order_refuses(text: str) -> None:
    with pytest.raises(SqlError):
        parse_order(text, "duckdb")
