"""Witnesses: as few rows as show it, as plain as they can be."""

from __future__ import annotations

import datetime as dt
import time
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.verify.dataset import Dataset, Table
from tools.verify.witness import minimise, minimise_loads

COLUMNS = (("id", "integer"), ("name", "varchar"))


def numbers(rows: dict[str, list[int]]) -> Dataset:
    tables = {r: Table(COLUMNS, tuple((n, f"row {n}") for n in ids)) for r, ids in rows.items()}
    why = {(r, i): f"{r} {n}" for r, ids in rows.items() for i, n in enumerate(ids)}
    return Dataset(tables, why)


def ids(dataset: Dataset) -> dict[str, list[int]]:
    return {r: [row[0] for row in t.rows] for r, t in dataset.tables.items()}


@settings(deadline=None)
@given(st.sets(st.integers(0, 29), min_size=1, max_size=5))
def test_finds_the_rows_that_matter_and_no_other(needed: set[int]) -> None:
    data = numbers({"a": list(range(20)), "b": list(range(20, 30))})

    def fails(part: Dataset) -> bool:
        return needed <= {n for ns in ids(part).values() for n in ns}

    found = minimise(data, fails, budget=30)
    assert {n for ns in ids(found).values() for n in ns} == needed
    assert len(found.why) == len(needed)  # every row that is left still says why it is there
    assert all(text.endswith(str(ids(found)[r][i])) for (r, i), text in found.why.items())


def test_a_difference_that_needs_either_of_two_rows_keeps_one() -> None:
    data = numbers({"a": list(range(10))})
    found = minimise(data, lambda part: any(n in (3, 7) for n in ids(part)["a"]))
    assert len(found.tables["a"].rows) == 1


def test_what_does_not_fail_stays_as_it_is() -> None:
    data = numbers({"a": [1, 2]})
    assert minimise(data, lambda part: False) is data


def test_no_rows_at_all_may_fail_too() -> None:
    assert ids(minimise(numbers({"a": [1, 2]}), lambda part: True)) == {"a": []}


def test_values_become_plain_where_they_do_not_matter() -> None:
    columns = (
        ("n", "integer"), ("amount", "decimal(10, 2)"), ("text", "varchar"), ("at", "timestamp"),
        ("day", "date"), ("nothing", "varchar"), ("flag", "boolean"),
    )  # fmt: skip
    row = (
        77,
        Decimal("12.50"),
        "zebra",
        dt.datetime(2031, 5, 6, 7, 8),
        dt.date(2031, 5, 6),
        None,
        True,
    )
    data = Dataset({"a": Table(columns, (row,))})
    found = minimise(data, lambda part: any(r[0] > 50 for r in part.tables["a"].rows))
    midnight = dt.datetime(2024, 1, 1)
    assert found.tables["a"].rows == (
        (77, Decimal("1.00"), "a", midnight, dt.date(2024, 1, 1), None, True),
    )


def test_several_loads_are_made_smaller_together() -> None:
    loads = (numbers({"a": [1, 2, 3]}), numbers({"a": [4, 5, 6]}))

    def fails(part: tuple[Dataset, ...]) -> bool:
        return 2 in ids(part[0])["a"] and 5 in ids(part[1])["a"]

    found = minimise_loads(loads, fails)
    assert [ids(d)["a"] for d in found] == [[2], [5]]


def test_time_is_kept() -> None:
    data = numbers({"a": list(range(400))})

    def slow(part: Dataset) -> bool:
        time.sleep(0.01)
        return sum(ids(part)["a"]) > 100

    started = time.monotonic()
    found = minimise(data, slow, budget=0.2)
    assert time.monotonic() - started < 0.6
    assert slow(found)


@pytest.mark.parametrize("budget", [0.0, -1.0])
def test_without_time_the_data_set_comes_back(budget: float) -> None:
    data = numbers({"a": [1, 2, 3]})
    assert ids(minimise(data, lambda part: 1 in ids(part)["a"], budget)) == {"a": [1, 2, 3]}
