"""Which windows leave the order of their rows to chance, and how the query is written then."""

from __future__ import annotations

import duckdb
import pytest

from tools.sql.equivalent.facts import Column, Declared
from tools.sql.ties import other_orders

FACTS = {"t": Declared((Column("id"), Column("day"), Column("k")), (("id",),))}

DATA = "create table t as select range as id, 1 as day, 'a' as k from range(4)"

BY_CHANCE = {
    "a tie": "select id, row_number() over (partition by k order by day) as n from t",
    "no order at all": "select id, lag(id) over (partition by k) as n from t",
    "beside a full order": (
        "select id, row_number() over (order by day, id) as a, lag(id) over (order by day) as b "
        "from t"
    ),
    "a named window": "select id, lag(id) over w as n from t window w as (order by day)",
    "a frame by rows": (
        "select id, sum(id) over (order by day rows between unbounded preceding and current row) "
        "as n from t"
    ),
    "in a CTE": (
        "with s as (select * from t qualify row_number() over (partition by k order by day) = 1) "
        "select id from s"
    ),
    "of a join": (
        "select a.id, row_number() over (order by a.day) as n from t as a join t as b on a.k = b.k"
    ),
}
SURE = {
    "the key is in the order": "select id, row_number() over (order by day, id) as n from t",
    "the key is what is parted by": "select id, lag(day) over (partition by id) as n from t",
    "a rank": "select id, rank() over (order by day) as n from t",
    "a sum by value": "select id, sum(id) over (order by day) as n from t",
    "no window": "select id, count(*) as n from t group by id",
}


@pytest.mark.parametrize("sql", BY_CHANCE.values(), ids=BY_CHANCE)
def test_two_orders_of_ties_give_other_rows(sql: str) -> None:
    one, two = other_orders(sql, FACTS)
    with duckdb.connect() as connection:
        connection.execute(DATA)
        found = [sorted(connection.execute(text).fetchall()) for text in (one, two)]
    assert found[0] != found[1]


@pytest.mark.parametrize("sql", SURE.values(), ids=SURE)
def test_where_no_rows_can_tie_or_nobody_sees_it_there_is_no_other_order(sql: str) -> None:
    assert other_orders(sql, FACTS) == ()


def test_without_keys_nothing_is_sure() -> None:
    assert other_orders(SURE["the key is in the order"], {})
