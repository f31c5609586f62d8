"""Queries without the columns that do not reach their result."""

from __future__ import annotations

from functools import lru_cache

from sqlglot import exp
from sqlglot.optimizer.pushdown_projections import pushdown_projections
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from tools.sql.equivalent.facts import Facts
from tools.sql.parse import Node, parse_query

# What the pushdown is not trusted with: each reads columns in a way that is hard to follow.
_ODD = (
    exp.Pivot, exp.Lateral, exp.Unnest, exp.Explode, exp.Intersect, exp.Except, exp.TableAlias,
    exp.Values, exp.Columns,
)  # fmt: skip


def pruned(tree: Node, facts: Facts) -> str | None:
    """The query, columns qualified and unused ones taken out, as text; None where that is unsure.

    Raises:
        SqlglotError: when it cannot be qualified.
    """
    if _is_odd(tree):
        return None
    schema = tuple(
        (name, tuple((c.name, c.type or "unknown") for c in fact.columns))
        for name, fact in sorted(facts.items())
        if fact.columns
    )
    return _pruned(tree.sql("duckdb", comments=False), schema)


def _is_odd(tree: Node) -> bool:
    for node in tree.walk():
        if isinstance(node, _ODD) and not (isinstance(node, exp.TableAlias) and not node.columns):
            return True
        if isinstance(node, exp.With) and node.recursive:
            return True
        if isinstance(node, exp.Join) and (node.args.get("using") or node.args.get("method")):
            return True
        if isinstance(node, exp.Distinct) and node.args.get("on"):
            return True
        if isinstance(node, exp.Union) and node.args.get("by_name"):
            return True
    return False


@lru_cache(maxsize=64)
def _pruned(sql: str, tables: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]) -> str:
    schema = MappingSchema(dialect="duckdb")
    for name, columns in tables:
        schema.add_table(name, dict(columns), dialect="duckdb", match_depth=False)
    tree = qualify(
        parse_query(sql, "duckdb"), schema=schema, dialect="duckdb", quote_identifiers=False
    )
    return pushdown_projections(tree).sql("duckdb", comments=False)
