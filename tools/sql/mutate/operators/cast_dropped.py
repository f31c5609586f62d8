"""A conversion is missing, or its result is another type.

Stands for: money that keeps more digits than agreed, a timestamp compared where a day was meant,
numbers that are ordered as text.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tools.sql.mutate.change import Change, swap, text
from tools.sql.mutate.query import Query

NAME = "cast_dropped"


def changes(query: Query) -> Iterator[Change]:
    """Every cast of something that is no constant, without the cast; ``try_cast`` as ``cast``."""
    for node in query.all(exp.Cast):
        if isinstance(node.this, exp.Literal | exp.Null):
            continue
        what = f"{text(node)} becomes {text(node.this)}"
        yield Change(node, what, (swap(node, node.this.copy()),))
        if isinstance(node, exp.TryCast):
            by = exp.Cast(this=node.this.copy(), to=node.to.copy())
            yield Change(node, f"{text(node)} becomes {text(by)}", (swap(node, by),))
