"""Money that is rounded to so many digits, then cast to as many, is rounded once.

Why: the value is an exact decimal, and a cast to fewer digits rounds halves away from zero, which
is what ``round`` does. Of a double both take the nearest whole number to the value times 10, 100,
1000...; from there to the rounded double and back no more than half of one is lost as long as
that number is below 2^51. Columns of exact types say how large a value can be.
"""

from __future__ import annotations

from sqlglot import exp

from tools.sql.equivalent.pair import Pair
from tools.sql.equivalent.scope import Scope
from tools.sql.equivalent.size import size
from tools.sql.equivalent.types import family, normal
from tools.sql.parse import Node

NAME = "rounded_twice"
COST = 1

_EXACT = 2**50  # half of what is needed: the bound itself is worked out in doubles


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
    """A number without rounding to the digits of a type."""
    inner = node.unnest()
    digits = inner.args.get("decimals") if isinstance(inner, exp.Round) else None
    scale = kind.rstrip(")").rpartition(",")[2].strip()
    if digits is None or digits.sql() != scale:
        return inner
    about = family(scope.type_of(inner.this))
    largest = size(inner.this, scope) if about == "double" else None
    exact = about == "decimal" or (largest is not None and largest * 10 ** int(scale) < _EXACT)
    return inner.this.unnest() if exact else inner
