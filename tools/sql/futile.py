"""Conditions that no row meets, and limits that let none through: a query that returns nothing."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.simplify import simplify

from tools.sql import template
from tools.sql.audit import Spot
from tools.sql.parse import Node, SqlError, parse_query

_CONDITIONS = (exp.Where, exp.Having, exp.Qualify)


def futile(text: str, dialect: str = "duckdb") -> tuple[Spot, ...]:
    """The filters of a query that are false or NULL whatever the rows, and ``limit 0``.

    A filter in one branch of an ``{% if %}`` counts too. What cannot be read has none.

    Args:
        text: one query, with or without dbt's Jinja.
        dialect: of the text.
    """
    found: set[Spot] = set()
    try:
        variants = template.variants(text)
    except SqlError:
        return ()
    for variant in variants:
        try:
            tree = parse_query(variant, dialect)
        except SqlError:
            continue
        found.update(_spots(tree))
    return tuple(sorted(found))


def _spots(tree: Node) -> Iterator[Spot]:
    for node in tree.find_all(*_CONDITIONS):
        if _never(node.this):
            yield Spot(_line(node), f"`{node.sql()}` holds for no row")
    for join in tree.find_all(exp.Join):
        condition = join.args.get("on")
        if condition is not None and _never(condition):
            yield Spot(_line(join), f"the join on `{condition.sql()}` matches no row")
    for limit in tree.find_all(exp.Limit):
        if limit.expression is not None and limit.expression.sql() == "0":
            yield Spot(_line(limit), "`limit 0` lets no row through")


def _never(condition: exp.Expression) -> bool:
    try:
        result = simplify(condition.copy())
    except (SqlglotError, RecursionError, TypeError, ValueError):
        return False
    return isinstance(result, exp.Null) or (isinstance(result, exp.Boolean) and not result.this)


def _line(node: Node) -> int:
    """The line that names in it stand on; 0 where it holds literals only."""
    return min((int(n.meta["line"]) for n in node.walk() if "line" in n.meta), default=0)
