"""The faults of one expression: what the operators make of it, without a query around it."""

from tools.sql.mutate.expression import faults_of
from tools.sql.parse import parse_expression

KINDS = {"a": "integer", "b": "integer", "c": "varchar"}


def faults(sql: str) -> set[str]:
    return {f.sql("duckdb") for f in faults_of(parse_expression(sql, "duckdb"), KINDS)}


def test_a_condition_has_its_boundary_its_literal_and_its_connector() -> None:
    found = faults("a > 14 or b >= 2")
    assert {"a >= 14 OR b >= 2", "a > 13 OR b >= 2", "a > 14 AND b >= 2"} <= found


def test_branches_change_places() -> None:
    found = faults("case when a > 1 then 'x' when b > 1 then 'y' else 'z' end")
    assert "CASE WHEN b > 1 THEN 'y' WHEN a > 1 THEN 'x' ELSE 'z' END" in found


def test_a_column_is_swapped_with_one_of_its_type() -> None:
    found = faults("coalesce(a, 0)")
    assert "COALESCE(b, 0)" in found
    assert not any("c" in f.lower().replace("coalesce", "") for f in found)


def test_the_expression_itself_is_no_fault_and_stays_as_it_is() -> None:
    tree = parse_expression("coalesce(a, 0) > 1", "duckdb")
    before = tree.copy()
    assert tree not in faults_of(tree, KINDS)
    assert tree == before


def test_a_bare_column_of_its_own_type_has_none() -> None:
    assert faults("c") == set()
