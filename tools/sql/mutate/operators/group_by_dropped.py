"""Rows are grouped too coarsely.

Stands for: a dimension missing from GROUP BY, its value then taken from any row of the group, as
happens when a column is wrapped in ``min`` or ``max`` to silence the database.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tools.sql.equivalent.result import group_terms
from tools.sql.mutate.change import Change, Edit, swap, text
from tools.sql.mutate.query import Query
from tools.sql.parse import Node

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
            edits = [Edit(select, "group", group)]
            edits += [swap(use, exp.Min(this=use.copy())) for use in _uses(select, term)]
            yield Change(term, f"group by {text(term)} dropped", _merged(edits))


def _uses(select: exp.Select, term: Node) -> Iterator[Node]:
    """Where the group column is used after grouping: not within an aggregate or a subquery."""
    places = [*select.expressions, select.args.get("having"), select.args.get("qualify")]
    for place in places:
        for node in place.walk(prune=lambda n: isinstance(n, exp.AggFunc | exp.Query)) if place else ():
            if node == term:
                yield node


def _merged(edits: list[Edit]) -> tuple[Edit, ...]:
    """Edits of one list in one edit, so that the later ones do not undo the earlier ones."""
    found: dict[tuple[int, str], Edit] = {}
    for edit in edits:
        before = found.get((id(edit.node), edit.key))
        if before is None or not isinstance(edit.value, list):
            found[id(edit.node), edit.key] = edit
            continue
        old = edit.node.args[edit.key]
        items = [b if b is not o else e for b, e, o in zip(before.value, edit.value, old, strict=True)]
        found[id(edit.node), edit.key] = Edit(edit.node, edit.key, items)
    return tuple(found.values())
