"""A function is not applied.

Stands for: text that is compared without ``lower`` or ``trim``, dates that are not truncated,
amounts that are not rounded, a ``nullif`` that kept a division by zero away.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tools.sql.mutate.change import Change, swap, text
from tools.sql.mutate.query import Query
from tools.sql.parse import Node

NAME = "function_dropped"

_OTHERS = (
    exp.AggFunc, exp.Coalesce, exp.Case, exp.If, exp.Cast, exp.Connector, exp.Predicate,
    exp.RowNumber, exp.Rank, exp.DenseRank, exp.Lag, exp.Lead, exp.FirstValue, exp.LastValue,
    exp.NthValue, exp.Ntile, exp.Exists, exp.DateDiff,
)  # fmt: skip


def changes(query: Query) -> Iterator[Change]:
    """Every scalar function as the first of its arguments that holds a column."""
    for node in query.all(exp.Func):
        if isinstance(node, _OTHERS) or isinstance(node.parent, exp.Window):
            continue
        argument = _first(node)
        if argument is not None:
            what = f"{text(node)} becomes {text(argument)}"
            yield Change(node, what, (swap(node, argument.copy()),))


def _first(node: Node) -> Node | None:
    parts = [node.this, *node.expressions, node.args.get("expression")]
    nodes = [p for p in parts if isinstance(p, exp.Expr)]
    return next((p for p in nodes if p.find(exp.Column) is not None), None)
