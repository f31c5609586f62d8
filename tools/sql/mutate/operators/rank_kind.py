"""Ties are numbered in another way.

Stands for: ``rank() = 1`` that keeps two rows of a key where ``row_number() = 1`` keeps one, and
the other way round where ties have to stay.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tools.sql.mutate.change import Change, swap, text
from tools.sql.mutate.query import Query

NAME = "rank_kind"

_OTHERS: dict[type[exp.Expr], tuple[type[exp.Expr], ...]] = {
    exp.RowNumber: (exp.Rank, exp.DenseRank),
    exp.Rank: (exp.RowNumber, exp.DenseRank),
    exp.DenseRank: (exp.RowNumber, exp.Rank),
}


def changes(query: Query) -> Iterator[Change]:
    """Every ranking function as each of its neighbours."""
    for node in query.all(*_OTHERS):
        for other in _OTHERS[type(node)]:
            by = other()
            yield Change(node, f"{text(node)} becomes {text(by)}", (swap(node, by),))
