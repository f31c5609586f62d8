"""Rows are counted where values should be, or values where rows should be.

Stands for: ``count(*)`` over a left join, which counts the absent partner as one; ``count(x)``
that loses the rows without a value.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tools.sql.mutate.change import Change, Edit, text
from tools.sql.mutate.query import Query
from tools.sql.parse import Node

NAME = "count_star"


def changes(query: Query) -> Iterator[Change]:
    """``count(x)`` as ``count(*)``, and ``count(*)`` of a column that can be NULL."""
    for count in query.all(exp.Count):
        if isinstance(count.this, exp.Star):
            column = _nullable(query, count)
            if column is not None:
                what = f"count(*) becomes count({text(column)})"
                yield Change(count, what, (Edit(count, "this", column),))
        elif not isinstance(count.this, exp.Distinct):
            what = f"{text(count)} becomes count(*)"
            yield Change(count, what, (Edit(count, "this", exp.Star()),))


def _nullable(query: Query, count: Node) -> Node | None:
    """A column that may be NULL: of the source that came last, if any."""
    scope = query.scope(count)
    for source in reversed(scope.sources if scope is not None else ()):
        for output in source.relation.columns:
            if (output.nullable or source.absent) and not source.hidden:
                return exp.column(exp.to_identifier(output.name), table=source.alias)
    return None
