"""A comparison includes its boundary where it must not, or the other way round.

Stands for: ``>`` for ``>=`` in a filter, a band or a date range, the off-by-one of predicates.
Watermarks of incremental loads and ends of validity intervals have operators of their own.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tools.sql.mutate.change import Change, swap, text
from tools.sql.mutate.query import COMPARISONS, Query, interval_end, is_watermark
from tools.sql.parse import Node

NAME = "predicate_boundary"

SHIFTED: dict[type[Node], type[Node]] = {
    exp.LT: exp.LTE,
    exp.LTE: exp.LT,
    exp.GT: exp.GTE,
    exp.GTE: exp.GT,
}


def changes(query: Query) -> Iterator[Change]:
    """Every comparison with its boundary moved; BETWEEN without its lower or its upper end."""
    for node in query.all(*COMPARISONS, exp.Between):
        if is_watermark(query, node) or interval_end(node):
            continue
        if isinstance(node, exp.Between):
            yield from _between(node)
        else:
            by = SHIFTED[type(node)](this=node.this.copy(), expression=node.expression.copy())
            yield Change(node, f"{text(node)} becomes {text(by)}", (swap(node, by),))


def _between(node: exp.Between) -> Iterator[Change]:
    low, high = node.args["low"], node.args["high"]
    for lower, upper in ((exp.GT, exp.LTE), (exp.GTE, exp.LT)):
        by = exp.and_(
            lower(this=node.this.copy(), expression=low.copy()),
            upper(this=node.this.copy(), expression=high.copy()),
            wrap=False,
        )
        yield Change(node, f"{text(node)} becomes {text(by)}", (swap(node, by),))
