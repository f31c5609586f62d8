"""Columns that are sensitive leave a query by their own name, or the query is said to hide them."""

from __future__ import annotations

import pytest

from tools.sql.expose import disguised
from tools.sql.parse import parse_query

PLAIN = [
    "select * from t",
    "from t",
    "select email from t",
    'select "EMAIL" from t',
    "select t.email as email, id from t",
    "select email from (select email from t)",
    "select count(email), count(distinct email), sha256(email) as h, length(email) from t",
    "select id from t where email like 'a%' order by email",
    "select * exclude (email) from t",
    "select q.email, count(*) from t as q group by 1",
    "select * from (values (1, 2)) as v(a, b)",
    "select id from t union all select id from u",
    "select email is null as missing from t",
    "select * from t qualify row_number() over (partition by id order by email) = 1",
]
HIDDEN = [
    "select email as e from t",
    "select upper(email) from t",
    "select email || 'x' as email from t",
    "select coalesce(email, '') from t",
    "select {'a': email} from t",
    "select [email] as x from t",
    "select max(email) over () as x from t",
    "select case when id = 1 then email end as x from t",
    "select (select email from t limit 1) as x",
    "select t from t",
    "select to_json(q) from t as q",
    "select t::varchar as x from t",
    "select e from (select email as e from t)",
    "with a as (select email as e from t) select e from a",
    "with a(e) as (select email from t) select e from a",
    "select e from t as q(e, i)",
    "select * rename (email as q) from t",
    "select * replace (email as id) from t",
    "select columns('e.*') as x from t",
    "select 1 as a union all select email from t",
    "select 1 as a, 2 as b union all select * from t",
    "from t pivot (first(email) for id in (1, 2))",
    "select v from t unpivot (v for k in (email))",
    "select string_agg(email, ',') as emails from t",
]


@pytest.mark.parametrize("sql", PLAIN)
def test_by_its_own_name(sql: str) -> None:
    assert disguised(parse_query(sql, "duckdb"), {"email"}) == ""


@pytest.mark.parametrize("sql", HIDDEN)
def test_in_disguise(sql: str) -> None:
    assert disguised(parse_query(sql, "duckdb"), {"email"}) != ""
    assert disguised(parse_query(sql, "duckdb"), set()) == ""
