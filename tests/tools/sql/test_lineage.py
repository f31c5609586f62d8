"""Where columns come from, by the text of one query."""

from __future__ import annotations

import pytest

from tools.sql.lineage import origins
from tools.sql.parse import SqlError

STG = "from {{ ref('stg_a') }}"
CASES = [
    (f"select id, b + c as d {STG}", {"id": ("stg_a.id",), "d": ("stg_a.b", "stg_a.c")}),
    ("select id from {{ source('My-Shop', 'order') }}", {"id": ("My-Shop.order.id",)}),
    (f"with x as (select a as b {STG}) select b as c from x", {"c": ("stg_a.a",)}),
    (f"with x as (select * {STG}) select b from x", {"b": ("stg_a.*",)}),
    ("select 1 as one", {"one": ()}),
    (f"select {{{{ surrogate(['a']) }}}} as k {STG}", {"k": ()}),
    ("{{ config(x=1) }} select id from {{ this }}", {"id": ("itself.id",)}),
    (f"select a {STG} union all select b from {{{{ ref('b') }}}}", {"a": ("b.b", "stg_a.a")}),
]


@pytest.mark.parametrize(("sql", "expected"), CASES)
def test_origins(sql: str, expected: dict[str, tuple[str, ...]]) -> None:
    assert dict(origins(sql, "duckdb")) == expected


def test_what_is_no_query() -> None:
    with pytest.raises(SqlError):
        origins("{% macro x() %} y {% endmacro %}", "duckdb")
