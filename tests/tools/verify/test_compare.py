"""Tables compared as bags: what counts as a difference, and what does not."""

from __future__ import annotations

import datetime as dt
import math
import random
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.verify.compare import difference, equal
from tools.verify.dataset import Table

COLUMNS = (("id", "integer"), ("name", "varchar"), ("amount", "decimal(10, 2)"))

cells = st.one_of(st.none(), st.integers(-2, 2), st.text(max_size=2), st.booleans())
rows = st.lists(st.tuples(cells, cells, cells), max_size=8)


def table(*found: tuple[Any, ...], columns: Any = COLUMNS) -> Table:
    return Table(columns, tuple(found))


@given(rows, st.integers())
def test_order_does_not_matter(found: list[tuple[Any, ...]], seed: int) -> None:
    mixed = list(found)
    random.Random(seed).shuffle(mixed)
    assert difference(table(*found), table(*mixed)) is None


@given(rows, rows)
def test_a_difference_is_the_same_from_both_sides(
    one: list[tuple[Any, ...]], two: list[tuple[Any, ...]]
) -> None:
    there, back = difference(table(*one), table(*two)), difference(table(*two), table(*one))
    if there is None or back is None:
        assert there is None
        assert back is None
    else:
        assert sorted(map(repr, there.missing)) == sorted(map(repr, back.extra))
        assert len(one) - len(there.missing) + len(there.extra) == len(two)


def test_how_often_a_row_comes_counts() -> None:
    row = (1, "a", Decimal("1.00"))
    found = difference(table(row, row), table(row))
    assert found is not None
    assert found.missing == (row,)
    assert found.extra == ()
    assert found.rows_differ


@pytest.mark.parametrize(
    ("one", "two", "same"),
    [
        (None, None, True), (None, "", False), (None, 0, False), (1, True, False),
        (Decimal("1.0"), Decimal("1.00"), True), (Decimal("0"), Decimal("-0.00"), True),
        (Decimal("0.1"), 0.1, False), (1, 1.0, False), (math.nan, math.nan, True),
        (math.nan, None, False), (0.1 + 0.2, 0.3, True), (1.0, 1.0000001, False),
        (dt.date(2024, 1, 1), dt.datetime(2024, 1, 1), False), ("a", "A", False),
        ("e\u0301", "\u00e9", False), ([1, 2], [2, 1], False), ({"a": None}, {"a": None}, True),
        (math.inf, math.inf, True), (math.inf, -math.inf, False),
    ],
)  # fmt: skip
def test_values(one: Any, two: Any, same: bool) -> None:
    assert equal(one, two) is same
    columns = (("x", "varchar"),)
    found = difference(table((one,), columns=columns), table((two,), columns=columns))
    assert (found is None) is same


def test_with_a_key_the_columns_that_differ_are_named() -> None:
    expected = table((1, "a", Decimal("1.00")), (2, "b", Decimal("2.00")))
    got = table((2, "b", Decimal("2.50")), (1, "a", Decimal("1.00")))
    found = difference(expected, got, ["id"])
    assert found is not None
    assert found.values == {"amount": (Decimal("2.00"), Decimal("2.50"))}
    assert found.keyed
    assert not found.rows_differ
    assert found.touches("AMOUNT")
    assert not found.touches("name")


def test_a_key_that_repeats_tells_nothing_apart() -> None:
    found = difference(table((1, "a", None), (1, "b", None)), table((1, "a", None)), ["id"])
    assert found is not None
    assert not found.keyed
    assert found.values == {}


def test_a_missing_row_is_no_difference_of_values() -> None:
    found = difference(table((1, "a", None), (2, "b", None)), table((1, "a", None)), ["id"])
    assert found is not None
    assert found.values == {}
    assert found.rows_differ


def test_types_count() -> None:
    other = (("id", "bigint"), ("name", "varchar"), ("amount", "decimal(10, 2)"))
    found = difference(table((1, "a", None)), table((1, "a", None), columns=other))
    assert found is not None
    assert found.kinds == {"id": ("integer", "bigint")}
    assert not found.rows_differ
    assert found.touches("id")


def test_of_a_column_without_type_only_the_value_counts() -> None:
    one = table((1, "a", Decimal("1.50")))
    columns = (*COLUMNS[:2], ("amount", "double"))
    two = table((1, "a", 1.5), columns=columns)
    assert difference(one, two) is not None
    assert difference(one, two, untyped=["AMOUNT"]) is None
    assert difference(one, table((1, "a", 1.51), columns=columns), untyped=["amount"]) is not None


def test_a_number_is_no_text_even_without_type() -> None:
    one = table(("1",), columns=(("x", "varchar"),))
    two = table((1,), columns=(("x", "integer"),))
    assert difference(one, two, untyped=["x"]) is not None


def test_columns_are_matched_by_name_without_case() -> None:
    swapped = (("NAME", "varchar"), ("amount", "decimal(10, 2)"), ("ID", "integer"))
    assert difference(table((1, "a", None)), table(("a", None, 1), columns=swapped)) is None


def test_columns_that_are_missing_or_more_are_named() -> None:
    other = (("id", "integer"), ("name", "varchar"), ("more", "integer"))
    found = difference(table((1, "a", None)), table((1, "a", 2), columns=other))
    assert found is not None
    assert (found.absent, found.added) == (("amount",), ("more",))
    assert found.missing == ()
    assert found.touches("amount")


def test_no_rows_of_the_same_columns_are_the_same() -> None:
    assert difference(table(), table()) is None
