"""The end of a validity interval belongs to it where it must not, or the other way round.

Stands for: two versions that are both valid at the moment of a change, or none; an end that is
written as the last moment of the old version and read as the first of the new one.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tools.sql.mutate.change import Change, swap, text
from tools.sql.mutate.operators.predicate_boundary import SHIFTED
from tools.sql.mutate.query import COMPARISONS, Query, interval_end, is_watermark
from tools.sql.parse import Node

NAME = "interval_inclusivity"


def changes(query: Query) -> Iterator[Change]:
    """Comparisons with an end of an interval moved; ends made by LEAD one second earlier."""
    for node in query.all(*COMPARISONS, exp.Between):
        if not interval_end(node) or is_watermark(query, node):
            continue
        if isinstance(node, exp.Between):
            by = _half_open(node)
        else:
            by = SHIFTED[type(node)](this=node.this.copy(), expression=node.expression.copy())
        yield Change(node, f"{text(node)} becomes {text(by)}", (swap(node, by),))
    for window in query.all(exp.Window):
        item = window.parent
        if isinstance(window.this, exp.Lead) and isinstance(item, exp.Alias) and interval_end(item):
            second = exp.Interval(this=exp.Literal.string("1"), unit=exp.Var(this="SECOND"))
            by = exp.Sub(this=window.copy(), expression=second)
            what = f"{text(item)} ends a second before the next one starts"
            yield Change(window, what, (swap(window, by),))


def _half_open(node: exp.Between) -> Node:
    return exp.and_(
        exp.GTE(this=node.this.copy(), expression=node.args["low"].copy()),
        exp.LT(this=node.this.copy(), expression=node.args["high"].copy()),
        wrap=False,
    )
