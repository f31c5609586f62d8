"""Rows that come twice do not matter where a later DISTINCT leaves one of each.

Why: between the two places rows are only picked, joined and worked out one by one: no aggregate, no
window and no LIMIT sees how often one comes.
"""

from __future__ import annotations

from sqlglot import exp

from tools.sql.equivalent.pair import Pair
from tools.sql.equivalent.scopes import cte_of
from tools.sql.parse import Node

NAME = "distinct_later"
COST = 2

_COUNTED = ("group", "having", "qualify", "limit", "offset", "sample", "windows", "laterals")


def holds(pair: Pair) -> str | None:
    """The reason why duplicates are left out anyway, or None."""
    one = pair.place[0]
    if not isinstance(one, exp.Select | exp.Union) or not pair.only("distinct"):
        return None
    if any(_keeps_some(tree) for tree in pair.place):
        return None
    at: Node | None = one
    while at is not None:
        at = _reader(at)
        if isinstance(at, exp.Select) and not _row_by_row(at):
            return None
        if at is not None and at.args.get("distinct"):
            return "a later DISTINCT leaves one row of each"
    return None


def _keeps_some(tree: Node) -> bool:
    distinct = tree.args.get("distinct")
    return isinstance(distinct, exp.Distinct) and bool(distinct.args.get("on"))


def _reader(query: Node) -> Node | None:
    """The query that alone reads the rows of another one, as a table or as a side of a union."""
    holder = query.parent
    if isinstance(holder, exp.Union):
        return holder
    if isinstance(holder, exp.Subquery):
        return _select_from(holder)
    if isinstance(holder, exp.CTE):
        tables = [t for t in holder.root().find_all(exp.Table) if cte_of(t)[0] is holder]
        return _select_from(tables[0]) if len(tables) == 1 else None
    return None


def _select_from(table: Node) -> Node | None:
    """The select whose FROM or plain join a table stands in."""
    place = table.parent
    join = isinstance(place, exp.Join) and str(place.args.get("kind") or "") in ("", "INNER")
    plain = isinstance(place, exp.From) or (join and place is not None and not _odd(place))
    select = place.parent if place is not None and plain else None
    return select if isinstance(select, exp.Select) else None


def _odd(join: Node) -> bool:
    return bool(join.args.get("method") or join.args.get("pivots"))


def _row_by_row(select: exp.Select) -> bool:
    """Whether a select looks at each row by itself."""
    if any(select.args.get(k) for k in _COUNTED) or _keeps_some(select):
        return False
    return not any(item.find(exp.AggFunc, exp.Window) for item in select.expressions)
