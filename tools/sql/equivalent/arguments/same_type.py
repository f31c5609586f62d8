"""A cast to the type that a value has already changes nothing.

Why: the type of the expression is certain (a declared column, a function of one result type, a
choice among values of one type), and casting a value to its own type gives that value.
"""

from __future__ import annotations

from sqlglot import exp

from tools.sql.equivalent.pair import Pair
from tools.sql.equivalent.scope import Scope
from tools.sql.equivalent.types import normal
from tools.sql.parse import Node

NAME = "same_type"
COST = 1


def holds(pair: Pair) -> str | None:
    """The reason why the cast does nothing, or None."""
    scope = pair.scope
    one, other = (_bare(n, scope) for n in pair.place)
    if scope is None or one != other or pair.place[0] == pair.place[1]:
        return None
    return f"{one.sql('duckdb')} is {scope.type_of(one)} already"


def _bare(node: Node, scope: Scope | None) -> Node:
    """The expression without a cast to its own type."""
    inner = node.unnest()
    if scope is None or not isinstance(inner, exp.Cast):
        return inner
    kind = scope.type_of(inner.this)
    own = kind is not None and kind == normal(inner.to.sql("duckdb"))
    return inner.this.unnest() if own else inner
