"""A condition is missing.

Stands for: a forgotten filter (deleted rows, test accounts, cancelled orders), a branch of an OR
that was lost in a rewrite. HAVING has an operator of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tools.sql.mutate.change import Change, Edit, swap, text, without
from tools.sql.mutate.query import Query, conjunction, flat, predicates

NAME = "predicate_dropped"


def changes(query: Query) -> Iterator[Change]:
    """WHERE and QUALIFY without each conjunct; every OR without each of its alternatives."""
    for clause in query.all(exp.Where, exp.Qualify):
        parts = flat(clause.this, exp.And)
        for at, part in enumerate(parts):
            rest = [*parts[:at], *parts[at + 1 :]]
            if not rest and isinstance(clause.parent, exp.Filter):
                continue  # the operator filter_dropped
            edit = Edit(clause, "this", conjunction(rest)) if rest else without(clause)
            yield Change(part, f"condition {text(part)} dropped", (edit,))
    for place in predicates(query):
        for node in place.find_all(exp.And, exp.Or, bfs=False):
            if isinstance(node, exp.Or) or not _top(node, place):
                for gone, kept in ((node.this, node.expression), (node.expression, node.this)):
                    what = f"condition {text(gone)} dropped from {text(node)}"
                    yield Change(gone, what, (swap(node, kept.copy()),))


def _top(node: exp.Connector, place: exp.Expr) -> bool:
    """Whether an AND belongs to the conjuncts of a WHERE, a QUALIFY or an ON, done elsewhere."""
    holder = place.parent
    if not isinstance(holder, exp.Where | exp.Qualify | exp.Join):
        return False
    at: exp.Expr = node
    while at is not place:
        if not isinstance(at.parent, exp.And | exp.Paren):
            return False
        at = at.parent
    return True
