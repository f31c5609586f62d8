"""Groups are not filtered.

Stands for: a HAVING, or a part of it, that was lost, so that groups below a threshold stay.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tools.sql.mutate.change import Change, Edit, text, without
from tools.sql.mutate.query import Query, conjunction, flat

NAME = "having_dropped"


def changes(query: Query) -> Iterator[Change]:
    """Every HAVING without each of its conjuncts."""
    for having in query.all(exp.Having):
        parts = flat(having.this, exp.And)
        for at, part in enumerate(parts):
            rest = [*parts[:at], *parts[at + 1 :]]
            edit = Edit(having, "this", conjunction(rest)) if rest else without(having)
            yield Change(part, f"having {text(part)} dropped", (edit,))
