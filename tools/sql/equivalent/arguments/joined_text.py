"""What is joined to a text with ``||`` need not be cast to text first.

Why: ``||`` casts numbers, dates and booleans beside a text to text by itself, in the same way.
"""

from __future__ import annotations

from sqlglot import exp

from tools.sql.equivalent.pair import Pair
from tools.sql.equivalent.scope import Scope
from tools.sql.equivalent.types import family
from tools.sql.parse import Node

NAME = "joined_text"
COST = 1


def holds(pair: Pair) -> str | None:
    """The reason why the cast is done anyway, or None."""
    one, other = pair.place
    scope, joined = pair.scope, one.parent
    if (
        scope is None
        or not isinstance(joined, exp.DPipe)
        or not isinstance(other.parent, exp.DPipe)
    ):
        return None
    beside = joined.expression if joined.this is one else joined.this
    bare = _bare(one, scope)
    if bare != _bare(other, scope) or family(scope.type_of(beside)) != "text":
        return None
    return f"|| casts {bare.sql('duckdb')} to text by itself"


def _bare(node: Node, scope: Scope) -> Node:
    """What a cast to text of something plain is made of."""
    inner = node.unnest()
    to_text = isinstance(inner, exp.Cast) and family(inner.to.sql("duckdb").lower()) == "text"
    plain = to_text and family(scope.type_of(inner.this)) is not None
    return inner.this.unnest() if plain else inner
