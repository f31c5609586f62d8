"""The day of a moment is enough where whole days, or longer spans, are counted.

Why: ``date_diff`` counts the borders of days (weeks, months, ...) between two moments, and a
moment without time zone lies between the same borders as its date.
"""

from __future__ import annotations

from sqlglot import exp

from tools.sql.equivalent.pair import Pair
from tools.sql.equivalent.scope import Scope
from tools.sql.parse import Node

NAME = "whole_days"
COST = 1

_UNITS = ("day", "week", "month", "quarter", "year")


def holds(pair: Pair) -> str | None:
    """The reason why only the day counts, or None."""
    scope = pair.scope
    for one, other in pair.climb():
        if isinstance(one, exp.DateDiff) and isinstance(other, exp.DateDiff):
            unit = one.text("unit").lower() or "day"
            if scope is None or unit not in _UNITS or unit != (other.text("unit").lower() or "day"):
                return None
            ends = [(_bare(d.this, scope), _bare(d.expression, scope)) for d in (one, other)]
            return f"whole {unit}s are counted" if ends[0] == ends[1] else None
    return None


def _bare(node: Node, scope: Scope) -> Node:
    """A moment without the cast that leaves its time out."""
    inner: Node = node.unnest()
    is_date = isinstance(inner, exp.Cast) and inner.to.is_type("date")
    plain = is_date and scope.type_of(inner.this) in ("timestamp", "date")
    return _bare(inner.this, scope) if plain else inner
