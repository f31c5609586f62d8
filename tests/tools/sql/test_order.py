"""Which queries may give other rows when what they read lies in another order."""

import pytest

from tools.sql.analyse import sees_order
from tools.sql.parse import parse_query

MAY = [
    "select row_number() over (order by a) as n from t",
    "select a from t limit 1",
    "select distinct on (a) a, b from t",
    "select any_value(a) as a from t group by b",
    "select string_agg(a, ',') as a from t",
    "select list(a) as a from t",
    "select arg_max(a, b) as a from t",
    "select a from (select first(a) as a from t) as s",
]
NEVER = [
    "select a, sum(b) as n, count(distinct c) as m from t group by a having max(b) > 1",
    "select distinct upper(a) as a from t join u on t.id = u.id where strpos(a, 'x') > 0",
    "select a from t union all select b from u order by 1",
]


@pytest.mark.parametrize("sql", MAY)
def test_may_see_the_order(sql: str) -> None:
    assert sees_order(parse_query(sql, "duckdb"))


@pytest.mark.parametrize("sql", NEVER)
def test_never_sees_it(sql: str) -> None:
    assert not sees_order(parse_query(sql, "duckdb"))
