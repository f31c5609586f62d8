import datetime as dt
import decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cases import each
from tools.sql.parse import SqlError, parse_expression
from tools.sql.render import identifier, literal, render, type_sql

CASES = Path(__file__).parent / "cases"


@each(CASES / "types.yaml")
def test_type(case: dict[str, Any]) -> None:
    if "error" in case:
        with pytest.raises(SqlError, match=case["error"]):
            type_sql(case["text"], case["read"], "duckdb")
        return
    assert type_sql(case["text"], case["read"], "duckdb") == case["out"]


def test_long_case_is_laid_out_by_branch() -> None:
    text = "case when s = 'active' then 'one' when s = 'trial' then 'two' else 'three' end"
    laid_out = render(parse_expression(text, "duckdb"), "duckdb", width=60)
    assert laid_out.splitlines() == [
        "case",
        "    when s = 'active' then 'one'",
        "    when s = 'trial' then 'two'",
        "    else 'three'",
        "end",
    ]


@given(st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=20))
def test_identifier_is_always_the_same_name_to_duckdb(name: str) -> None:
    with duckdb.connect() as db:
        db.execute(f"create table t ({identifier(name)} integer)")
        assert db.execute("select column_name from duckdb_columns").fetchone() == (name,)


@given(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**62), 2**62),
        st.decimals(
            allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=4
        ),
        st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30),
        st.dates(),
        st.datetimes(min_value=dt.datetime(1, 1, 1), max_value=dt.datetime(9999, 1, 1)),
    )
)
def test_literal_comes_back(value: Any) -> None:
    with duckdb.connect() as db:
        (found,) = db.execute(f"select {literal(value)}").fetchone() or (object(),)
    assert found == value


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), 0.1, -2.5e300])
def test_float_literal_comes_back(value: float) -> None:
    with duckdb.connect() as db:
        assert db.execute(f"select cast({literal(value)} as double)").fetchone() == (value,)


def test_literal_refuses_what_sql_has_no_literal_of() -> None:
    with pytest.raises(SqlError):
        literal([1])
    assert literal(decimal.Decimal("1.50")) == "1.50"
