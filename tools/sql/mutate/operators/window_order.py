"""A window, an ordered aggregate or a LIMIT sees its rows in another order.

Stands for: the first instead of the last state of a key, a tie that is broken by chance because
the last sort key is missing, NULLs on the wrong end.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tools.sql.mutate.change import Change, Edit, text, without
from tools.sql.mutate.query import Query
from tools.sql.parse import Node
from tools.sql.ties import one_by_one

NAME = "window_order"


def changes(query: Query) -> Iterator[Change]:
    """Every sort key that matters the other way round, dropped, and with NULLs on the other end."""
    for order in query.all(exp.Order):
        if not _matters(order):
            continue
        items = order.expressions
        for at, item in enumerate(items):
            desc = bool(item.args.get("desc"))
            way = "asc" if desc else "desc"
            yield Change(
                item,
                f"order by {text(item)} becomes {way}",
                (Edit(item, "desc", not desc or None),),
            )
            if len(items) > 1:
                rest = [*items[:at], *items[at + 1 :]]
                what = f"order by {text(item)} dropped"
                other = [*rest, _turned(item)] if _ties_show(order) else []
                unlucky = (Edit(order, "expressions", other),) if other else ()
                yield Change(item, what, (Edit(order, "expressions", rest),), unlucky)
            elif isinstance(order.parent, exp.Window):
                yield Change(item, f"order by {text(item)} dropped", (without(order),))
            if _may_be_null(query, item):
                first = bool(item.args.get("nulls_first"))
                what = f"nulls {'last' if first else 'first'} in order by {text(item)}"
                yield Change(item, what, (Edit(item, "nulls_first", not first),))


def _turned(item: Node) -> Node:
    """A sort key the other way round."""
    found = item.copy()
    found.set("desc", not item.args.get("desc") or None)
    return found


def _ties_show(order: Node) -> bool:
    """Whether rows that tie come one after the other, in an order that is left to chance."""
    window = order.parent
    if not isinstance(window, exp.Window):
        return not isinstance(window, exp.WithinGroup)
    return one_by_one(window.this, window.args.get("spec"))


def _matters(order: Node) -> bool:
    """ORDER BY of a query decides nothing about its rows unless it limits or picks them."""
    holder = order.parent
    if isinstance(holder, exp.Select):
        distinct = holder.args.get("distinct")
        picks = distinct is not None and bool(distinct.args.get("on"))
        return picks or bool(holder.args.get("limit") or holder.args.get("offset"))
    return isinstance(holder, exp.Window | exp.AggFunc | exp.WithinGroup)


def _may_be_null(query: Query, item: Node) -> bool:
    scope = query.scope(item)
    return scope is None or not scope.surely(item.this)
