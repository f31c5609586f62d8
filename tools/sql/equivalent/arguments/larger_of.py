"""What replaces NULL does not matter where the larger of it and something larger is taken.

Why: GREATEST leaves NULL out as long as one of its arguments is not NULL, so a constant that
stands for NULL, and is not larger than another constant among the arguments, never wins. LEAST
likewise, the other way round.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from sqlglot import exp

from tools.sql.equivalent.pair import Pair
from tools.sql.equivalent.scope import Scope
from tools.sql.parse import Node

NAME = "larger_of"
COST = 1


def holds(pair: Pair) -> str | None:
    """The reason why the same argument wins, or None."""
    scope = pair.scope
    for one, other in pair.climb():
        if isinstance(one, exp.Greatest | exp.Least) and type(one) is type(other):
            kinds = {scope.type_of(n) for n in (one, other)} if scope is not None else {None}
            if scope is None or None in kinds or len(kinds) != 1:
                return None
            left, right = _left(one, scope), _left(other, scope)
            return f"{one.key} leaves NULL out" if left is not None and left == right else None
    return None


def _left(call: Node, scope: Scope) -> list[Node] | None:
    """The arguments that may win; None when there is no constant that settles it."""
    given = [a.unnest() for a in (call.this, *call.expressions)]
    numbers = [n for n in map(_number, given) if n is not None]
    if not numbers:
        return None
    larger = isinstance(call, exp.Greatest)
    best = max(numbers) if larger else min(numbers)

    def beaten(node: Node) -> bool:
        number = _number(node)
        return number is not None and (number <= best if larger else number >= best)

    return [_bare(a, beaten, scope) for a in given]


def _bare(node: Node, beaten: Callable[[Node], bool], scope: Scope) -> Node:
    """What COALESCE takes first, when its only other argument is a constant that never wins."""
    if not isinstance(node, exp.Coalesce) or len(node.expressions) != 1:
        return node
    if scope.type_of(node) != scope.type_of(node.this):
        return node
    never = beaten(node.expressions[0].unnest())
    return node.this.unnest() if never else node


def _number(node: Node) -> Decimal | None:
    sign = -1 if isinstance(node, exp.Neg) else 1
    inner = node.this if isinstance(node, exp.Neg) else node
    if isinstance(inner, exp.Literal) and not inner.is_string and inner.is_int:
        return sign * Decimal(inner.this)
    return None
