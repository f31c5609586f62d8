"""Money that is rounded to so many digits, then cast to as many, is rounded once.

Why: the value is an exact decimal, and a cast to fewer digits rounds halves away from zero, which
is what ``round`` does. Not so for doubles.
"""

from __future__ import annotations

from sqlglot import exp

from tools.sql.equivalent.pair import Pair
from tools.sql.equivalent.scope import Scope
from tools.sql.equivalent.types import family, normal
from tools.sql.parse import Node

NAME = "rounded_twice"
COST = 1


def holds(pair: Pair) -> str | None:
    """The reason why the rounding is done by the cast already, or None."""
    scope = pair.scope
    for one, other in pair.climb():
        if isinstance(one, exp.Cast) and isinstance(other, exp.Cast) and scope is not None:
            kind = normal(one.to.sql("duckdb"))
            if kind is None or family(kind) != "decimal" or one.to != other.to:
                return None
            left, right = (_once(c.this, kind, scope) for c in (one, other))
            return f"the cast to {kind} rounds alike" if left == right else None
    return None


def _once(node: Node, kind: str, scope: Scope) -> Node:
    """An exact number without rounding to the digits of a type."""
    inner = node.unnest()
    if not isinstance(inner, exp.Round) or family(scope.type_of(inner.this)) != "decimal":
        return inner
    digits = inner.args.get("decimals")
    scale = kind.rstrip(")").rpartition(",")[2].strip()
    return inner.this.unnest() if digits is not None and digits.sql() == scale else inner
