"""A column that nobody reads may hold anything.

Why: both queries are the same once every column that does not reach the result is taken out
(projection pushdown), and what was in it cannot fail or change the number of rows.
"""

from __future__ import annotations

from sqlglot import exp
from sqlglot.errors import SqlglotError

from tools.sql.equivalent.pair import Pair
from tools.sql.equivalent.pruned import pruned
from tools.sql.equivalent.safety import cannot_fail
from tools.sql.parse import Node

NAME = "unused_column"
COST = 4


def holds(pair: Pair) -> str | None:
    """The reason why the change is in a column that nobody reads, or None."""
    items = _outputs(pair)
    if items is None:
        return None
    one, other = (i.unalias() for i in items)
    if not _quiet(one) or not _quiet(other) or not cannot_fail(other):
        return None
    try:
        trees = [
            pruned(t, s.facts) for t, s in ((pair.one, pair.scopes), (pair.other, pair.others))
        ]
    except (SqlglotError, KeyError, TypeError, ValueError):
        return None
    if trees[0] is None or trees[0] != trees[1]:
        return None
    return f"{items[0].alias_or_name} does not reach the result"


def _outputs(pair: Pair) -> tuple[Node, Node] | None:
    """The items of a select list that hold the place."""
    for one, other in pair.climb():
        if isinstance(one.parent, exp.Select) and one.arg_key == "expressions":
            fits = one.parent is not pair.one and one.alias_or_name == other.alias_or_name
            return (one, other) if fits and _only_outside(one) else None
    return None


def _only_outside(item: Node) -> bool:
    """Whether nothing within the select itself depends on the output: that is left to no tool."""
    select, name = item.parent, item.alias_or_name.lower()
    if not isinstance(select, exp.Select):
        return False
    args = select.args
    group, order = args.get("group"), args.get("order")
    numbered = [
        *(group.expressions if group is not None else []),
        *(o.this for o in (order.expressions if order is not None else [])),
    ]
    if args.get("distinct") or (group is not None and group.args.get("all")):
        return False
    if any(isinstance(n, exp.Literal) for n in numbered) or _in_a_set(select):
        return False
    own = set(map(id, item.find_all(exp.Column)))
    others = (c for c in select.find_all(exp.Column) if id(c) not in own and not c.table)
    return all(c.name.lower() != name for c in others)


def _in_a_set(select: exp.Select) -> bool:
    """Whether the select is a branch of a set operation that compares whole rows."""
    at = select.parent
    while isinstance(at, exp.SetOperation | exp.Subquery):
        if isinstance(at, exp.SetOperation) and at.args.get("distinct"):
            return True
        at = at.parent
    return False


def _quiet(node: Node) -> bool:
    """Whether an output leaves the number of rows alone."""
    return not any(
        isinstance(n, exp.Unnest | exp.Explode | exp.Query) or _aggregate(n) for n in node.walk()
    )


def _aggregate(node: Node) -> bool:
    return isinstance(node, exp.AggFunc) and not node.find_ancestor(exp.Window)
