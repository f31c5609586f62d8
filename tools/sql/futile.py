"""Queries that return nothing: conditions that no row meets, limits that let none through."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.simplify import simplify

from tools.sql import template
from tools.sql.audit import Spot
from tools.sql.parse import Node, SqlError, parse_query

_CONDITIONS = ("where", "having", "qualify")


def futile(text: str, dialect: str = "duckdb") -> tuple[Spot, ...]:
    """Why a query returns nothing whatever the rows; empty if it may return some.

    An empty part of it, such as a CTE that stands for "nothing yet", is no matter where the rest
    brings rows. Each branch of an ``{% if %}`` counts. What cannot be read is not judged.

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
        spot = _empty(tree, {})
        found |= {spot} if spot else set()
    return tuple(sorted(found))


def _empty(tree: Node | None, known: Mapping[str, Spot]) -> Spot | None:
    """Why a query is empty; ``known`` holds the CTEs around it that are."""
    if not isinstance(tree, exp.Query):
        return None
    known = dict(known)
    for cte in tree.ctes:
        spot = _empty(cte.this, known)
        known.pop(cte.alias.lower(), None)
        if spot:
            known[cte.alias.lower()] = spot
    if isinstance(tree, exp.Subquery):
        return _empty(tree.this, known)
    limit = tree.args.get("limit")
    if isinstance(limit, exp.Limit) and limit.expression and limit.expression.sql() == "0":
        return Spot(_line(limit), "`limit 0` lets no row through")
    if isinstance(tree, exp.SetOperation):
        left, right = (_empty(side, known) for side in (tree.this, tree.expression))
        both = isinstance(tree, exp.Union)
        return (left and right) if both else (left or _right(tree, right))
    return _filtered(tree) or _unfed(tree, known)


def _right(tree: exp.SetOperation, right: Spot | None) -> Spot | None:
    return right if isinstance(tree, exp.Intersect) else None


def _filtered(tree: Node) -> Spot | None:
    for kind in _CONDITIONS:
        node = tree.args.get(kind)
        if node is not None and _never(node.this):
            return Spot(_line(node), f"`{node.sql()}` holds for no row")
    return None


def _unfed(tree: Node, known: Mapping[str, Spot]) -> Spot | None:
    """Why no row comes in: from an empty relation, or through a join that keeps none."""
    start = tree.args.get("from_") or tree.args.get("from")
    joins: Sequence[exp.Join] = tree.args.get("joins") or ()
    if any(join.side in ("RIGHT", "FULL") for join in joins):
        return None
    spot = _of_relation(start.this, known) if start is not None else None
    for join in joins:
        if spot or join.side == "LEFT":
            continue
        condition = join.args.get("on")
        if condition is not None and _never(condition):
            spot = Spot(_line(join), f"the join on `{condition.sql()}` matches no row")
        else:
            spot = _of_relation(join.this, known)
    return spot


def _of_relation(relation: Node, known: Mapping[str, Spot]) -> Spot | None:
    if isinstance(relation, exp.Table):
        return None if relation.db else known.get(relation.name.lower())
    return _empty(relation, known)


def _never(condition: exp.Expression) -> bool:
    try:
        result = simplify(condition.copy())
    except (SqlglotError, RecursionError, TypeError, ValueError):
        return False
    return isinstance(result, exp.Null) or (isinstance(result, exp.Boolean) and not result.this)


def _line(node: Node) -> int:
    """The line that names in it stand on; 0 where it holds literals only."""
    return min((int(n.meta["line"]) for n in node.walk() if "line" in n.meta), default=0)
