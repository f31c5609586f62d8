"""What replaces NULL does not matter where there is no NULL.

Why: COALESCE gives its first argument that is not NULL; what stands after one that never is NULL
is never looked at.
"""

from __future__ import annotations

from sqlglot import exp

from tools.sql.equivalent.nulls import Test, never_null
from tools.sql.equivalent.pair import Pair
from tools.sql.equivalent.place import not_null_at
from tools.sql.equivalent.scope import Scope
from tools.sql.parse import Node

NAME = "filled_value"
COST = 1


def holds(pair: Pair) -> str | None:
    """The reason why both give the first argument, or None."""
    scope = pair.scope
    if scope is None:
        return None
    for one, other in pair.climb():
        if isinstance(one, exp.Coalesce) or isinstance(other, exp.Coalesce):
            test = not_null_at(one, scope)
            left, right = _needed(one.unalias(), test), _needed(other.unalias(), test)
            if left == right and _same_type(one.unalias(), other.unalias(), scope):
                return f"{left[0].sql('duckdb')} is never NULL"
    return None


def _needed(node: Node, test: Test) -> list[Node]:
    """The arguments that are looked at."""
    if not isinstance(node, exp.Coalesce):
        return [node]
    found = []
    for argument in (node.this, *node.expressions):
        found.append(argument)
        if never_null(argument, test):
            break
    return found


def _same_type(one: Node, other: Node, scope: Scope) -> bool:
    kind = scope.type_of(one)
    return kind is not None and kind == scope.type_of(other)
