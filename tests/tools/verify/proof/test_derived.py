"""What follows of a change log's SQL, and what of it the rows of a table keep."""

from __future__ import annotations

import pytest

from tools.sql.equivalent.facts import Column, Declared
from tools.verify.dataset import Table
from tools.verify.proof.compile import Unit
from tools.verify.proof.derived import derived, kept

FACTS = {
    "s.t": Declared((
        Column("id", "integer", nullable=False),
        Column("at", "timestamp", nullable=False),
        Column("n", "integer"),
    ))
}  # fmt: skip


def columns(sql: str, incremental: str = "") -> dict[str, Column]:
    unit = Unit("log", '"s"."log"', sql, incremental)
    return {c.name: c for c in derived(unit, FACTS)}


def test_what_is_never_null_below_is_never_null_above() -> None:
    found = columns("select id, n, coalesce(n, 0) as filled from s.t")
    assert [c.nullable for c in found.values()] == [False, True, False]


def test_a_column_that_is_given_twice_is_a_copy_of_the_first() -> None:
    found = columns("select at, n, at as effective_at, at + interval 1 day as later from s.t")
    assert {n: c.copies for n, c in found.items()} == {
        "at": "", "n": "", "effective_at": "at", "later": "",
    }  # fmt: skip


def test_columns_of_two_rows_of_one_table_are_no_copies() -> None:
    found = columns("select a.n, b.n as other from s.t as a inner join s.t as b on a.id = b.id + 1")
    assert found["other"].copies == ""


def test_a_literal_is_a_constant() -> None:
    found = columns("select id, 'U' as operation from s.t")
    assert found["operation"].constant == "U"
    assert found["id"].constant is None


@pytest.mark.parametrize(
    ("later", "column"),
    [
        ("select id, n as at_, at as again, 'U' as op from s.t", "again"),
        ("select id, at as at_, n as again, 'U' as op from s.t", "again"),
    ],
)
def test_copies_hold_in_both_forms_or_not_at_all(later: str, column: str) -> None:
    first = "select id, at as at_, at as again, 'U' as op from s.t"
    assert columns(first, first)[column].copies == "at_"
    assert columns(first, later)[column].copies == ""


def test_what_holds_in_one_form_only_does_not_hold() -> None:
    found = columns("select id, 'U' as op from s.t", "select n as id, 'D' as op from s.t")
    assert found["id"].nullable
    assert found["op"].constant is None


def test_a_column_that_one_form_lacks_is_not_spoken_of() -> None:
    assert list(columns("select id, n from s.t", "select id from s.t")) == ["id"]


def test_a_star_over_what_is_not_known_says_nothing() -> None:
    assert columns("select * from s.elsewhere") == {}


def test_sql_that_cannot_be_read_says_nothing() -> None:
    assert columns("select id from") == {}


KINDS = (("a", "varchar"), ("b", "varchar"))
KNOWN = Column("b", None, copies="a", constant="U")


@pytest.mark.parametrize(
    ("rows", "copies", "constant"),
    [
        ((("U", "U"), ("U", "U")), "a", "U"),
        ((("U", "U"), ("D", "D")), "a", None),
        ((("D", "U"), ("U", "U")), "", "U"),
        ((("D", "U"), ("U", "D")), "", None),
        ((("U", None),), "", None),
        ((), "a", "U"),
    ],
)
def test_only_what_the_rows_keep_counts(
    rows: tuple[tuple[str | None, ...], ...], copies: str, constant: str | None
) -> None:
    found = kept(Column("b", "varchar"), KNOWN, Table(KINDS, rows))
    assert (found.copies, found.constant) == (copies, constant)
    assert found.type == "varchar"
