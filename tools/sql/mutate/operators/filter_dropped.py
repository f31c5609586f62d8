"""An aggregate takes all rows where it should take some.

Stands for: a missing FILTER, after which a count of returns counts every order.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tools.sql.mutate.change import Change, swap, text
from tools.sql.mutate.query import Query

NAME = "filter_dropped"


def changes(query: Query) -> Iterator[Change]:
    """Every aggregate with a FILTER, without it."""
    for node in query.all(exp.Filter):
        yield Change(node, f"filter of {text(node)} dropped", (swap(node, node.this.copy()),))
