"""Who asks whether a value is among some does not see how often it is there.

Why: IN, EXISTS, EXCEPT, INTERSECT and UNION give the same for a list with and without
repetitions, as long as they compare sets, and nothing takes a part of the list.
"""

from __future__ import annotations

from sqlglot import exp

from tools.sql.equivalent.pair import Pair
from tools.sql.parse import Node

NAME = "set_member"
COST = 1


def holds(pair: Pair) -> str | None:
    """The reason why repetitions are not seen, or None."""
    one, other = pair.place
    if not isinstance(one, exp.Select) or not isinstance(other, exp.Select):
        return None
    if not pair.only("distinct") or any(_on(s) for s in (one, other)):
        return None
    if any(one.args.get(k) for k in ("limit", "offset", "sample", "qualify")):
        return None
    if any(i.find(exp.Window, exp.Unnest, exp.Explode) for i in one.expressions):
        return None
    return _asker(one)


def _on(select: Node) -> bool:
    distinct = select.args.get("distinct")
    return distinct is not None and bool(distinct.args.get("on"))


def _asker(select: Node) -> str | None:
    """What reads the rows, when repetitions are nothing to it."""
    at = select.parent
    while isinstance(at, exp.Subquery) and not _cut(at) and not at.alias:
        at = at.parent
    if isinstance(at, exp.SetOperation) and at.args.get("distinct"):
        return "a set operation compares sets"
    if isinstance(at, exp.Exists):
        return "EXISTS asks for one row"
    if isinstance(at, exp.In):
        return "IN asks whether a value is there"
    return None


def _cut(node: Node) -> bool:
    return any(node.args.get(k) for k in ("limit", "offset", "joins", "sample"))
