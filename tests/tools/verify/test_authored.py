"""Code of a model that returns nothing, or reaches further than rows, is refused unrun."""

from __future__ import annotations

import pytest

from tools.artifact import Artifact, Origin
from tools.verify.authored import check_authored

MACRO = Artifact(
    "generated/dbt/macros/hash_of.sql", "{% macro hash_of(c) %}1{% endmacro %}", "compiled", "w"
)


def codes(
    sql: str, origin: Origin = "authored", path: str = "generated/dbt/models/marts/m.sql"
) -> list[str]:
    found = check_authored([MACRO, Artifact(path, sql, origin, "p")])
    return [f"{f.code}:{f.location.line if f.location else 0}" for f in found]


@pytest.mark.parametrize(
    "sql",
    [
        "select 1 as a from {{ ref('x') }} where false",
        "select 1 as a from {{ ref('x') }} where 1 = 0",
        "select 1 as a from {{ ref('x') }} where a > 1 and 1 > 2",
        "select 1 as a from {{ ref('x') }} where null",
        "with q as (select 1 as a from {{ ref('x') }} where not true) select a from q",
        "select 1 as a from {{ ref('x') }} limit 0",
        "with q as (select 1 as a where false), r as (select a from q) select a from r",
        "select a from (select a from {{ ref('x') }} where false) as q",
        "select a from {{ ref('x') }} where false union all select a from {{ ref('y') }} limit 0",
        "with q as (select 1 as a where false) select x.a from {{ ref('x') }} x join q on q.a = 1",
        "select 1 as a from {{ ref('x') }} group by 1 having false",
        "select x.a from {{ ref('x') }} as x inner join {{ ref('y') }} as y on 1 = 2",
        "select a from {{ ref('x') }}\n{% if is_incremental() %} where false {% endif %}",
    ],
)
def test_a_query_that_returns_nothing(sql: str) -> None:
    assert [c.partition(":")[0] for c in codes(sql)] == ["AUTH001"]


@pytest.mark.parametrize(
    "sql",
    [
        "select {{ env_var('HOME') }} as a",
        "{% do run_query('drop table x') %} select 1 as a",
        "{{ config(post_hook=\"copy x to '/tmp/x'\") }} select 1 as a",
        "{{ config(**{'pre_hook': 'x'}) }} select 1 as a",
        "{% call statement('x') %} drop table x {% endcall %} select 1 as a",
        "select {{ modules.datetime.datetime.now() }} as a",
    ],
)
def test_jinja_that_reaches_further(sql: str) -> None:
    assert {c.partition(":")[0] for c in codes(sql)} == {"AUTH002"}


@pytest.mark.parametrize(
    "sql",
    [
        "{{ config(materialized='table', tags=['a(b)']) }} select a from {{ ref('x') }}",
        "select {{ hash_of(['a']) }} as k from {{ source('s', 't') }} where lower(a) <> 'false'",
        "select a from {{ ref('x') }} where a > (select max(a) from {{ this }})",
        "with n as (select 1 a where false) select a from n union all select a from {{ ref('x') }}",
        "with n as (select 1 a where false) select x.a from {{ ref('x') }} x left join n on true",
        "select x.a from {{ ref('x') }} as x left join {{ ref('y') }} as y on false",
        "select a from {{ ref('x') }} where a not in (select a from {{ ref('y') }} where false)",
        "{# env_var('x') is not called here #} select a from {{ ref('x') }} limit 10",
    ],
)
def test_ordinary_code_is_fine(sql: str) -> None:
    assert codes(sql) == []


def test_what_is_compiled_is_not_asked() -> None:
    assert codes("select 1 as a where false", origin="compiled") == []


def test_a_singular_test_returns_nothing_when_all_is_well() -> None:
    assert codes("select 1 as a where false", path="generated/dbt/tests/t.sql") == []


def test_it_says_the_line() -> None:
    assert codes("select 1 as a\nfrom {{ ref('x') }}\nwhere a > 1 and false") == ["AUTH001:3"]
