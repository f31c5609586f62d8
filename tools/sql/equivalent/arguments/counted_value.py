"""A count of values is a count of rows where the value is never NULL.

Why: ``count(x)`` leaves out the rows where x is NULL, and there are none: by declaration, by what
every row meets, or because the FILTER of the count is not true of them.
"""

from __future__ import annotations

from sqlglot import exp

from tools.sql.equivalent.nulls import rejects
from tools.sql.equivalent.pair import Pair
from tools.sql.equivalent.place import surely_at
from tools.sql.parse import Node

NAME = "counted_value"
COST = 1


def holds(pair: Pair) -> str | None:
    """The reason why both count the same rows, or None."""
    scope = pair.scope
    if scope is None:
        return None
    counted = []
    for node in pair.place:
        if not isinstance(node.parent, exp.Count) or isinstance(node, exp.Distinct):
            return None
        counted += [] if isinstance(node, exp.Star) else [node]
    if all(_sure(n, pair) for n in counted):
        return f"{', '.join(n.sql('duckdb') for n in counted)} is never NULL"
    return None


def _sure(node: Node, pair: Pair) -> bool:
    """Columns of the mutant mean the same in the scope of the original: only the place differs."""
    scope = pair.scope
    if scope is None or surely_at(node, scope):
        return scope is not None
    filtered = node.parent.parent if node.parent is not None else None
    if not isinstance(filtered, exp.Filter) or not isinstance(node, exp.Column):
        return False
    owner = scope.resolve(node)

    def same(other: exp.Column) -> bool:
        return scope.resolve(other) == owner

    return owner is not None and rejects(filtered.expression.this, same)
