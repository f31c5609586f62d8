"""Which aggregates mind repeated rows, and what a condition pins down."""

from __future__ import annotations

import pytest

from tools.sql.grain import (
    columns_inside_aggregates,
    columns_outside_aggregates,
    determined_columns,
    duplicate_sensitive,
)
from tools.sql.parse import parse_expression


@pytest.mark.parametrize(
    ("text", "dialect", "count"),
    [
        ("sum(a)", "duckdb", 1),
        ("count(*)", "duckdb", 1),
        ("avg(a) / max(b)", "duckdb", 1),
        ("sum(a) filter (where b > 1) + sum(c)", "duckdb", 2),
        ("string_agg(a, ',')", "duckdb", 1),
        ("countif(a)", "bigquery", 1),
        ("min(a) + max(b)", "duckdb", 0),
        ("count(distinct a)", "duckdb", 0),
        ("sum(distinct a)", "duckdb", 0),
        ("any_value(a)", "duckdb", 0),
        ("bool_or(a) and bool_and(b)", "duckdb", 0),
        ("arg_max(a, b)", "duckdb", 0),
        ("approx_count_distinct(a)", "duckdb", 0),
        ("a + 1", "duckdb", 0),
    ],
)
def test_duplicate_sensitive(text: str, dialect: str, count: int) -> None:
    assert len(duplicate_sensitive(parse_expression(text, dialect))) == count


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("sum(a) * b", ["a"], ["b"]),
        ("sum(a) filter (where c > 0)", ["a", "c"], []),
        ("count(*)", [], []),
        ("t.a", [], ["t.a"]),
        ("coalesce(max(a), b) > sum(b)", ["a", "b"], ["b"]),
        ("percentile_cont(0.5) within group (order by a)", ["a"], []),
    ],
)
def test_columns_around_aggregates(text: str, inside: list[str], outside: list[str]) -> None:
    tree = parse_expression(text, "duckdb")
    assert [str(c) for c in columns_inside_aggregates(tree)] == inside
    assert [str(c) for c in columns_outside_aggregates(tree)] == outside


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("o.id = j.id", {"id"}),
        ("j.id = o.id and j.kind = 'x'", {"id", "kind"}),
        ("(j.id = lower(o.id))", {"id"}),
        ("J.ID = o.id", {"id"}),
        ("id = o.id", {"id"}),
        ("j.is_current and j.id is not distinct from o.id", {"is_current", "id"}),
        ("j.gone is null", {"gone"}),
        ("j.id = j.kind", set()),
        ("lower(j.id) = o.id", set()),
        ("j.id = o.id or j.kind = 'x'", set()),
        ("j.id >= o.id", set()),
        ("o.a = o.b", set()),
        ("not j.is_current", set()),
    ],
)
def test_determined_columns(text: str, expected: set[str]) -> None:
    tree = parse_expression(text, "duckdb")
    assert determined_columns(tree, "j", ["id", "kind"]) == expected
