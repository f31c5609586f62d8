"""Grouping by fewer columns gives the same groups where the others follow from them.

Why: the dropped column is the same in all rows that agree in what is still grouped by (a key of
the relation that it belongs to is among that, by itself or through joins), so it neither split a
group nor differs from its own smallest value.
"""

from __future__ import annotations

from sqlglot import exp

from tools.sql.equivalent.keys import Rows
from tools.sql.equivalent.pair import Pair
from tools.sql.equivalent.result import group_terms
from tools.sql.parse import Node

NAME = "determined_group"
COST = 2


def holds(pair: Pair) -> str | None:
    """The reason why the dropped column follows from the others, or None."""
    selects = pair.selects
    if selects is None or pair.place != selects:
        return None
    one, other = selects
    scope = pair.scopes.of(one)
    before, after = group_terms(scope), group_terms(pair.others.of(other))
    if not before or not after or len(after) != len(before) - 1:
        return None
    gone = [t for t in before if t not in after]
    if len(gone) != 1 or any(t not in before for t in after) or not _rest(one, other, gone[0]):
        return None
    terms = {t for n in after if (t := scope.term(n)) is not None}
    term = scope.term(gone[0])
    if (
        term is None
        or not isinstance(gone[0], exp.Column)
        or term not in Rows(scope).closure(terms)
    ):
        return None
    return f"{gone[0].sql('duckdb')} follows from {', '.join(n.sql('duckdb') for n in after)}"


def _rest(one: exp.Select, other: exp.Select, gone: Node) -> bool:
    """Whether all else is alike, once the dropped column is the smallest of its group."""
    original = one.copy()
    for key in ("expressions", "having", "qualify"):
        places = original.args.get(key) or []
        for place in list(places) if isinstance(places, list) else [places]:
            for node in list(place.walk(prune=lambda n: isinstance(n, exp.AggFunc | exp.Query))):
                if node == gone:
                    _smallest(node)
    original.set("group", other.args["group"].copy())
    return bool(original == other)


def _smallest(node: Node) -> None:
    least: Node = exp.Min(this=node.copy())
    if isinstance(node.parent, exp.Select) and isinstance(node, exp.Column):
        least = exp.alias_(least, node.name, quoted=bool(node.this.args.get("quoted")))
    node.replace(least)
