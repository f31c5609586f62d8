"""Literals, patterns and casts that expressions treat apart, and what they compare."""

from pathlib import Path
from typing import Any

import pytest

from tests import cases
from tools.sql.parse import parse_expression
from tools.sql.probes import compared_columns, compared_numbers, probes

CASES = Path(__file__).parent / "cases" / "probes.yaml"


@cases.each(CASES)
def test_probes(case: dict[str, Any]) -> None:
    found = probes(parse_expression(case["sql"], case.get("dialect", "duckdb")))
    shown = {f"{p.column} {p.kind} {p.value}" for p in found}
    assert shown == set(case["probes"])


@pytest.mark.parametrize(
    ("sql", "pairs"),
    [
        ("a > b", {"a b"}), ("a + 1 = b * c", {"a b", "a c"}), ("a - b > 3", {"a b"}),
        ("date_diff('day', a, b) > 3", {"b a"}), ("a > 3 and b < 4", set()),
        ("a between b and c", {"a b", "b c"}), ("a = a", set()),
    ],
)  # fmt: skip
def test_columns_that_are_compared(sql: str, pairs: set[str]) -> None:
    found = compared_columns(parse_expression(sql, "duckdb"))
    assert {f"{one} {two}" for one, two in found} == pairs


@pytest.mark.parametrize(
    ("sql", "numbers"),
    [
        ("a * 2 > 100", {"a * 2 100"}), ("100 < a * 2", {"a * 2 100"}), ("a > 100", set()),
        ("a * b > 100", set()), ("(a + 1) between -1 and 5", {"(a + 1) -1", "(a + 1) 5"}),
        ("sum(a) > 5", set()), ("lower(a) = 'x'", set()),
    ],
)  # fmt: skip
def test_computed_values_that_are_compared_with_numbers(sql: str, numbers: set[str]) -> None:
    found = compared_numbers(parse_expression(sql, "duckdb"))
    assert {f"{tree.sql('duckdb')} {number}" for tree, number in found} == numbers
