"""Rows are grouped too coarsely.

Stands for: a dimension missing from GROUP BY, its value then taken from any row of the group, as
happens when a column is wrapped in ``min`` or ``max`` to silence the database.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tools.sql.equivalent.result import group_terms
from tools.sql.mutate.change import Change, Edit, swap, text
from tools.sql.mutate.grouped import merged, uses_of
from tools.sql.mutate.query import Query

NAME = "group_by_dropped"


def changes(query: Query) -> Iterator[Change]:
    """Every GROUP BY without each of its columns, which then are the smallest of the group."""
    for select in query.all(exp.Select):
        scope = query.scope(select)
        terms = group_terms(scope) if scope is not None else None
        for at, term in enumerate(terms or []):
            if isinstance(term, exp.Literal):
                continue
            rest = [t.copy() for t in [*(terms or [])[:at], *(terms or [])[at + 1 :]]]
            group = exp.Group(expressions=rest) if rest else None
            uses = [u for u in uses_of(select, term) if not u.find_ancestor(exp.Group)]
            edits = [Edit(select, "group", group)]
            edits += [swap(use, exp.Min(this=use.copy())) for use in uses]
            yield Change(term, f"group by {text(term)} dropped", merged(edits))
