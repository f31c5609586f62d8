"""An aggregate function is another one.

Stands for: ``sum`` for ``max`` where one row was expected, ``min`` for ``max`` in first and last
dates, ``count`` for ``sum`` of a flag.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlglot import exp

from tools.sql.mutate.change import Change, swap, text
from tools.sql.mutate.query import Query

NAME = "aggregate_swapped"

_OTHERS: dict[type[exp.Expr], tuple[type[exp.Expr], ...]] = {
    exp.Sum: (exp.Max, exp.Count),
    exp.Avg: (exp.Max, exp.Sum),
    exp.Min: (exp.Max,),
    exp.Max: (exp.Min,),
    exp.Count: (exp.Max,),
    exp.ArgMax: (exp.ArgMin,),
    exp.ArgMin: (exp.ArgMax,),
    exp.First: (exp.Last,),
    exp.Last: (exp.First,),
    exp.FirstValue: (exp.LastValue,),
    exp.LastValue: (exp.FirstValue,),
    exp.LogicalAnd: (exp.LogicalOr,),
    exp.LogicalOr: (exp.LogicalAnd,),
    exp.Median: (exp.Avg,),
    exp.StddevSamp: (exp.StddevPop,),
    exp.Stddev: (exp.StddevPop,),
}


def changes(query: Query) -> Iterator[Change]:
    """Every aggregate or window function that has a likely neighbour, as that one."""
    for node in query.all(*_OTHERS):
        if isinstance(node.this, exp.Star | exp.Distinct):
            continue
        for other in _OTHERS[type(node)]:
            parts: dict[str, Any] = {"this": node.this.copy()}
            if other is exp.Count:
                parts["big_int"] = True  # as it is parsed
            if isinstance(node, exp.ArgMax | exp.ArgMin):
                parts["expression"] = node.expression.copy()
            by = other(**parts)
            yield Change(node, f"{text(node)} becomes {text(by)}", (swap(node, by),))
