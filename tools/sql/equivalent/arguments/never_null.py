"""A test for NULL is always the same where there is no NULL.

Why: ``x is null`` is false of every row, so ``is not null`` may be dropped; nothing else differs.
"""

from __future__ import annotations

from sqlglot import exp

from tools.sql.equivalent.conditions import Changed, changed_conditions
from tools.sql.equivalent.nulls import Test, never_null
from tools.sql.equivalent.pair import Pair
from tools.sql.parse import Node

NAME = "never_null"
COST = 2


def holds(pair: Pair) -> str | None:
    """The reason why the conditions are the same, or None."""
    changed = changed_conditions(pair)
    if changed is None:
        return None
    left, right = (_settled(n, changed) for n in (changed.one, changed.other))
    return "what is tested for NULL never is" if left == right else None


def _settled(node: Node, changed: Changed) -> Node:
    return simplified(node, changed.not_null)


def simplified(node: Node, test: Test) -> Node:
    """A condition in which tests for NULL whose outcome is sure are replaced by it."""
    inner = node.unnest()
    if isinstance(inner, exp.And | exp.Or):
        sides = [simplified(s, test) for s in (inner.this, inner.expression)]
        neutral = isinstance(inner, exp.And)
        for side, rest in (sides, sides[::-1]):
            if isinstance(side, exp.Boolean):
                return rest if side.this is neutral else side
        return type(inner)(this=sides[0], expression=sides[1])
    if isinstance(inner, exp.Not):
        under = simplified(inner.this, test)
        flipped = exp.Boolean(this=not under.this) if isinstance(under, exp.Boolean) else None
        return flipped or exp.Not(this=under)
    if isinstance(inner, exp.Is) and isinstance(inner.expression, exp.Null):
        return exp.false() if never_null(inner.this, test) else inner.copy()
    return inner.copy()
