"""A function is its neighbour.

Stands for: ``floor`` for ``ceil``, ``least`` for ``greatest``, ``lower`` for ``upper``, the day of
the week counted from another day.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tools.sql.mutate.change import Change, swap, text
from tools.sql.mutate.query import Query
from tools.sql.parse import Node

NAME = "function_swapped"

_OTHER: dict[type[Node], type[Node]] = {
    exp.Lower: exp.Upper,
    exp.Upper: exp.Lower,
    exp.Floor: exp.Ceil,
    exp.Ceil: exp.Floor,
    exp.Greatest: exp.Least,
    exp.Least: exp.Greatest,
    exp.Left: exp.Right,
    exp.Right: exp.Left,
}


def changes(query: Query) -> Iterator[Change]:
    """Every function that has a neighbour, as that one."""
    for node in query.all(*_OTHER):
        parts = {k: _copy(v) for k, v in node.args.items()}
        by = _OTHER[type(node)](**parts)
        yield Change(node, f"{text(node)} becomes {text(by)}", (swap(node, by),))


def _copy(value: object) -> object:
    if isinstance(value, list):
        return [_copy(v) for v in value]
    return value.copy() if isinstance(value, exp.Expr) else value
