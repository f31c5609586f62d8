from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from sqlglot import exp

from tests.cases import load
from tests.tools.verify.mutants.shop import SHOP, declared, facts
from tools.sql.equivalent.facts import Facts
from tools.sql.mutate.change import applied
from tools.sql.mutate.enumerate import mutants
from tools.sql.mutate.grouped import everywhere
from tools.sql.mutate.program import text_of
from tools.sql.mutate.query import Query
from tools.sql.mutate.registry import registered
from tools.sql.parse import SqlError, parse_query
from tools.sql.render import render

HERE = Path(__file__).parent
CASES = {p.stem: load(p) for p in sorted((HERE / "cases").glob("*.yaml"))}
EACH = [(name, case) for name, cases in CASES.items() for case in cases]
QUERIES = [q["sql"] for q in SHOP["queries"]]


def tables() -> Facts:
    given = YAML(typ="safe").load(HERE / "tables.yaml")
    return {name: declared(table) for name, table in given.items()}


@pytest.mark.parametrize(("name", "case"), EACH, ids=[f"{n}: {c['sql'][:50]}" for n, c in EACH])
def test_mutants_of_an_operator(name: str, case: dict[str, Any]) -> None:
    found = mutants(case["sql"], tables(), operators=[name])
    shown = [render(parse_query(m.sql, "duckdb"), "duckdb", width=10_000) for m in found]
    assert shown == case["mutants"]


def test_every_operator_has_cases_and_says_what_it_stands_for() -> None:
    assert sorted(CASES) == sorted(registered())
    for name, cases in CASES.items():
        assert any(c["mutants"] for c in cases), name
    for operator in registered().values():
        assert operator.summary.endswith("."), operator.name


@pytest.mark.parametrize("sql", QUERIES, ids=[q["name"] for q in SHOP["queries"]])
def test_mutants_are_written_as_they_are_meant(sql: str) -> None:
    """The text of every mutant reads back as the tree that was meant, and the tree is put back."""
    query = Query(parse_query(sql, "duckdb"), facts())
    for operator in registered().values():
        for change in list(operator.changes(query)):
            with applied(everywhere(change, query)):
                assert _flat(parse_query(text_of(query.tree), "duckdb")) == _flat(query.tree)
    assert query.tree == parse_query(sql, "duckdb")


def _flat(tree: exp.Expr) -> exp.Expr:
    """The tree with its chains of AND and of OR leaning to the left, as they are parsed."""
    return tree.copy().transform(_left_deep)


def _left_deep(node: exp.Expr) -> exp.Expr:
    right = node.args.get("expression")
    if not isinstance(node, exp.Connector) or type(right) is not type(node):
        return node
    left = type(node)(this=node.this.copy(), expression=right.this.copy())
    return _left_deep(type(node)(this=left, expression=right.expression.copy()))


@pytest.mark.parametrize("sql", QUERIES, ids=[q["name"] for q in SHOP["queries"]])
def test_mutants_are_distinct_ordered_and_have_a_place(sql: str) -> None:
    found = mutants(sql, facts())
    assert found == mutants(sql, facts())
    texts = [m.sql for m in found]
    assert len(set(texts)) == len(texts)
    assert found[0].original.sql not in texts
    assert [m.operator for m in found] == sorted(m.operator for m in found)
    lines = sql.splitlines()
    for mutant in found:
        line, column = mutant.location
        assert 1 <= line <= len(lines), mutant
        assert 0 <= column <= len(lines[line - 1]), mutant
        assert mutant.path, mutant


def test_a_difference_shows_the_lines_that_changed() -> None:
    sql = "with s as (select a, b from t where a > 1) select a, coalesce(b, 0) as b from s"
    found = mutants(sql, tables(), operators=["predicate_boundary"])
    assert found[0].diff.splitlines() == [
        "@@ -6,3 +6,3 @@",
        "     where",
        "-        a > 1",
        "+        a >= 1",
        " )",
    ]
    assert str(found[0]) == "predicate_boundary at 1:37: a > 1 becomes a >= 1"


def test_what_is_no_query_is_an_error() -> None:
    with pytest.raises(SqlError):
        mutants("delete from t")
    with pytest.raises(KeyError):
        mutants("select 1", operators=["no_such"])
