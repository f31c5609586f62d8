"""The small parts: bags, reduction, order, names."""

import math
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.sql.mutate.mutant import Mutant
from tools.sql.mutate.program import Program
from tools.verify.mutants.bags import difference, same_bag
from tools.verify.mutants.reduce import smallest
from tools.verify.mutants.schedule import round_robin, work
from tools.verify.mutants.stability import stable_columns
from tools.verify.mutants.store import parts, quoted

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.floats(),
    st.text("ab", max_size=2),
    st.decimals(-2, 2, places=1),
    st.lists(st.integers(0, 2), max_size=2),
)
ROWS = st.lists(st.tuples(VALUES, VALUES), max_size=6)


@given(ROWS, st.randoms(use_true_random=False))
@settings(max_examples=100, deadline=None)
def test_a_bag_is_the_same_in_every_order(rows: list[tuple[object, ...]], rng: object) -> None:
    turned = list(rows)
    rng.shuffle(turned)  # type: ignore[attr-defined]
    assert same_bag(rows, turned)
    assert difference(rows, turned) == ([], [])
    if rows:
        assert not same_bag(rows, rows[1:])
        assert difference(rows, rows[1:])[0]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1.0, 1.0 + 1e-13, True),
        (1.0, 1.0001, False),
        (math.nan, math.nan, True),
        (math.inf, -math.inf, False),
        (0.0, -0.0, True),
        (0.1 + 0.2, 0.3, True),
        (1, True, False),
        (1, Decimal(1), False),
        (None, "", False),
        ([0.1 + 0.2], [0.3], True),
        ({"a": 1}, {"a": 2}, False),
        (123456789.49999999, 123456789.50000001, True),
    ],
)
def test_what_equal_values_are(one: object, other: object, same: bool) -> None:
    assert same_bag([(one,)], [(other,)]) is same


@given(st.sets(st.integers(0, 30), min_size=1, max_size=4))
def test_the_smallest_part_is_what_is_needed(needed: set[int]) -> None:
    found = smallest(list(range(31)), lambda part: needed <= set(part))
    assert set(found) == needed


def test_reduction_stops_when_it_may_not_ask_more() -> None:
    asked: list[int] = []

    def holds(part: object) -> bool:
        asked.append(1)
        return False

    assert smallest(list(range(50)), holds, checks=10) == list(range(50))
    assert len(asked) == 10


def test_each_operator_has_its_turn() -> None:
    def mutant(name: str) -> Mutant:
        return Mutant(name, "", Program(name), Program(""))

    order = round_robin([mutant("b"), mutant("b"), mutant("b"), mutant("a"), mutant("c")])
    assert order == [3, 0, 4, 1, 2]


@pytest.mark.parametrize("threads", [1, 2])
def test_an_error_in_a_thread_is_raised_where_it_is_waited_for(threads: int) -> None:
    def task(index: int) -> None:
        if index == 3:
            raise ValueError("three")

    with pytest.raises(ValueError, match="three"):
        work(range(9), task, None, threads)


def test_columns_that_agree_alone_and_not_together_are_not_stable() -> None:
    one = [[(1, "x"), (2, "y")]]
    assert stable_columns(one, one) == [0, 1]
    assert stable_columns(one, [[(1, "x"), (2, "z")]]) == [0]
    assert stable_columns(one, [[(1, "y"), (2, "x")]]) is None
    assert stable_columns(one, [[(1, "x")]]) is None


def test_names_in_parts() -> None:
    assert parts('dev."my ""raw"""."a.b"') == ["dev", 'my "raw"', "a.b"]
    assert quoted('dev.raw."order"') == 'dev.raw."order"'
