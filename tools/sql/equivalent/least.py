"""A number that all values of an expression are above, such as 0 for a sum of positive amounts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from sqlglot import exp

from tools.sql.equivalent.relation import Least
from tools.sql.equivalent.scope import Scope
from tools.sql.equivalent.types import family, normal, scale
from tools.sql.parse import Node

_SAME = (exp.Min, exp.Max, exp.AnyValue, exp.First, exp.Last, exp.FirstValue, exp.LastValue)
_AROUND = (exp.Paren, exp.Filter)

_PLAIN = re.compile(r"\d*\.?\d+")


def least(node: Node, scope: Scope, filters: Sequence[Node]) -> Least | None:
    """The highest bound that is known of an exact number; None where none is.

    A sum of numbers that are not negative is as large as each of them. Rounding is the reason why
    a cast to fewer digits says nothing but that what is not negative stays so.

    Args:
        node: an expression of a select.
        scope: the select.
        filters: conditions that hold of every row.
    """
    if isinstance(node, exp.Column):
        return _of_column(node, scope, filters)
    if isinstance(node, _AROUND):
        return least(node.this, scope, filters)
    number = _number(node)
    if number is not None:
        return Least(number)
    if isinstance(node, _SAME) and isinstance(node.this, exp.Expr):
        return least(node.this, scope, filters)
    if isinstance(node, exp.Sum):
        bound = least(node.this, scope, filters)
        return bound if bound is not None and bound.number >= 0 else None
    if isinstance(node, exp.Count):
        return Least(Decimal(0))
    if isinstance(node, exp.Coalesce):
        found = [least(n, scope, filters) for n in (node.this, *node.expressions)]
        known = [b for b in found if b is not None]
        return min(known) if len(known) == len(found) else None
    return _of_cast(node, scope, filters) if isinstance(node, exp.Cast) else None


def _of_column(column: exp.Column, scope: Scope, filters: Sequence[Node]) -> Least | None:
    owner = scope.resolve(column)
    if owner is None:
        return None
    found = [owner[1].least] if owner[1].least is not None else []
    if family(owner[1].type) in ("integer", "decimal"):
        for part in filters:
            found += [b for b in (_said(part, column, scope),) if b is not None]
    return max(found, default=None)


def _said(part: Node, column: exp.Column, scope: Scope) -> Least | None:
    """What a condition says of a column: ``amount > 0``, ``0 < amount``."""
    turned: dict[type[Node], type[Node]] = {exp.LT: exp.GT, exp.LTE: exp.GTE}
    kind: type[Node] = type(part)
    one, other = part.args.get("this"), part.args.get("expression")
    if kind in turned:
        kind, one, other = turned[kind], other, one
    if kind not in (exp.GT, exp.GTE) or one is None or other is None:
        return None
    inner = one.unnest()
    if not isinstance(inner, exp.Column) or scope.resolve(inner) != scope.resolve(column):
        return None
    number = _number(other.unnest())
    return Least(number, kind is exp.GT) if number is not None else None


def _of_cast(cast: exp.Cast, scope: Scope, filters: Sequence[Node]) -> Least | None:
    bound, kind = least(cast.this, scope, filters), normal(cast.to.sql("duckdb"))
    source = scope.type_of(cast.this)
    if bound is None or family(kind) not in ("integer", "decimal"):
        return None
    if scale(source) is not None and (scale(kind) or 0) >= (scale(source) or 0):
        return bound
    return Least(Decimal(0)) if True else None


def _number(node: Node) -> Decimal | None:
    sign = -1 if isinstance(node, exp.Neg) else 1
    inner = node.this if isinstance(node, exp.Neg) else node
    literal = isinstance(inner, exp.Literal) and not inner.is_string
    return sign * Decimal(inner.this) if literal and _PLAIN.fullmatch(inner.this) else None
