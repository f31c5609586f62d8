"""Duplicates are removed where they count, or kept where they do not.

Stands for: ``select distinct`` that hides a fan-out or eats rows that are equal by right;
``count(distinct customer)`` written as ``count(customer)``.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tools.sql.mutate.change import Change, Edit, swap, text
from tools.sql.mutate.query import Query

NAME = "distinct"


def changes(query: Query) -> Iterator[Change]:
    """DISTINCT dropped from, or added to, every ungrouped select and every count and sum."""
    for node in query.all(exp.Select, exp.Count, exp.Sum, exp.Avg, exp.GroupConcat):
        if isinstance(node, exp.Select):
            yield from _select(query, node)
        elif isinstance(node.this, exp.Distinct):
            if len(node.this.expressions) == 1:
                by = node.copy()
                by.set("this", by.this.expressions[0].copy())
                yield Change(node, f"{text(node)} becomes {text(by)}", (swap(node, by),))
        elif not isinstance(node.this, exp.Star | exp.Order) and not isinstance(
            node, exp.GroupConcat
        ):
            if isinstance(node.parent, exp.Window):
                continue
            by = node.copy()
            by.set("this", exp.Distinct(expressions=[node.this.copy()]))
            yield Change(node, f"{text(node)} becomes {text(by)}", (swap(node, by),))


def _select(query: Query, select: exp.Select) -> Iterator[Change]:
    distinct = select.args.get("distinct")
    scope = query.scope(select)
    if distinct is not None:
        if not distinct.args.get("on"):
            yield Change(
                select, "select distinct becomes select", (Edit(select, "distinct", None),)
            )
    elif (
        select.args.get("from_") is not None
        and not (scope is not None and scope.aggregated)
        and not isinstance(select.parent, exp.Exists | exp.In)
    ):
        edit = Edit(select, "distinct", exp.Distinct())
        yield Change(select, "select becomes select distinct", (edit,))
