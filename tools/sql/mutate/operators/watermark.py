"""An incremental load takes too much or too little of what is new.

Stands for: ``>`` that loses rows of the last moment which arrived later, ``>=`` that takes them
twice, a look-back that is missing, a filter that is missing.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tools.sql.mutate.change import Change, swap, text
from tools.sql.mutate.operators.predicate_boundary import SHIFTED
from tools.sql.mutate.query import COMPARISONS, Query, is_watermark

NAME = "watermark"


def changes(query: Query) -> Iterator[Change]:
    """Comparisons with what the table already holds: boundary moved, look-back dropped."""
    for node in query.all(*COMPARISONS, exp.EQ):
        if not is_watermark(query, node):
            continue
        if type(node) in SHIFTED:
            by = SHIFTED[type(node)](this=node.this.copy(), expression=node.expression.copy())
            yield Change(node, f"{text(node)} becomes {text(by)}", (swap(node, by),))
        for shift in node.find_all(exp.Sub, exp.Add):
            if isinstance(shift.expression, exp.Interval):
                what = f"look-back {text(shift.expression)} dropped"
                yield Change(shift, what, (swap(shift, shift.this.copy()),))
