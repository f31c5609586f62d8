"""How large a number can be, by the types of the columns that it is made of."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal

from sqlglot import exp

from tools.sql.equivalent.scope import Scope
from tools.sql.equivalent.types import normal
from tools.sql.parse import Node

_BITS = {"tinyint": 7, "smallint": 15, "int": 31, "integer": 31, "bigint": 63}
_DECIMAL = re.compile(r"decimal\((\d+), (\d+)\)")
_SAME = (exp.Paren, exp.Neg, exp.Abs)


def size(node: Node, scope: Scope) -> Decimal | None:
    """The largest absolute value that an expression can have; None where it is not known.

    Args:
        node: an expression of a select.
        scope: the select.
    """
    if isinstance(node, exp.Column):
        return _of_type(scope.type_of(node))
    if isinstance(node, exp.Literal):
        return Decimal(node.this) if not node.is_string else None
    if isinstance(node, exp.Null):
        return Decimal(0)
    if isinstance(node, exp.Cast):
        sizes = (_of_type(normal(node.to.sql("duckdb"))), size(node.this, scope))
        return min((s for s in sizes if s is not None), default=None)
    if isinstance(node, _SAME):
        return size(node.this, scope)
    if isinstance(node, exp.Coalesce | exp.Greatest | exp.Least):
        return _all(max, [node.this, *node.expressions], scope)
    if isinstance(node, exp.Add | exp.Sub):
        return _all(sum, [node.this, node.expression], scope)
    if isinstance(node, exp.Mul):
        return _all(lambda sizes: sizes[0] * sizes[1], [node.this, node.expression], scope)
    if isinstance(node, exp.Div):
        by = node.expression.unnest()
        literal = isinstance(by, exp.Literal) and not by.is_string and Decimal(by.this) != 0
        one = size(node.this, scope) if literal else None
        return one / Decimal(by.this) if one is not None else None
    return None


def _all(
    how: Callable[[list[Decimal]], Decimal | int], nodes: Sequence[Node], scope: Scope
) -> Decimal | None:
    found = [size(n, scope) for n in nodes]
    known = [s for s in found if s is not None]
    return Decimal(how(known)) if len(known) == len(found) else None


def _of_type(kind: str | None) -> Decimal | None:
    if kind in _BITS:
        return Decimal(2) ** _BITS[kind]
    found = _DECIMAL.fullmatch(kind or "")
    return Decimal(10) ** (int(found[1]) - int(found[2])) if found else None
