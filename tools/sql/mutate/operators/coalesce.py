"""The value that replaces NULL is missing, or another one.

Stands for: a dropped ``coalesce(amount, 0)``, after which sums and comparisons lose rows; a
default that is not the agreed one.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tools.sql.mutate.change import Change, Edit, swap, text
from tools.sql.mutate.query import Query
from tools.sql.mutate.values import neighbours

NAME = "coalesce"


def changes(query: Query) -> Iterator[Change]:
    """Every COALESCE without its defaults, without each one, and with another last one."""
    for node in query.all(exp.Coalesce):
        rest = list(node.expressions)
        what = f"{text(node)} becomes {text(node.this)}"
        yield Change(node, what, (swap(node, node.this.copy()),))
        for at, default in enumerate(rest if len(rest) > 1 else []):
            fewer = [*rest[:at], *rest[at + 1 :]]
            what = f"{text(default)} dropped from {text(node)}"
            yield Change(default, what, (Edit(node, "expressions", fewer),))
        if rest:
            for other in neighbours(rest[-1])[:1]:
                what = f"default {text(rest[-1])} becomes {text(other)}"
                yield Change(rest[-1], what, (swap(rest[-1], other),))
