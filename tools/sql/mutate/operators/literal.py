"""A constant is a little off.

Stands for: a threshold, a rate, a status code, a date or a pattern that was typed wrong.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tools.sql.mutate.change import Change, swap, text
from tools.sql.mutate.query import Query, is_constant
from tools.sql.mutate.values import neighbours

NAME = "literal"


def changes(query: Query) -> Iterator[Change]:
    """Every number one up and one down, every text changed, true as false."""
    for node in query.all(exp.Literal, exp.Boolean):
        if not is_constant(node):
            continue
        for by in neighbours(node):
            yield Change(node, f"{text(node)} becomes {text(by)}", (swap(node, by),))
