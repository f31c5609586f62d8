"""Which columns a fault is about."""

from __future__ import annotations

from sqlglot import exp

from tools.sql.equivalent.pair import smallest
from tools.sql.parse import Node, shared_tree


def touched(query: str, mutant: str) -> tuple[str, ...]:
    """Names of the columns at the smallest place in which two queries differ, lower case.

    The column that the place makes counts, and those that it is made of; of a literal, those that
    it is compared with.

    Args:
        query: a query in DuckDB's dialect.
        mutant: the same with a fault.

    Raises:
        SqlError: one of them is no query.
    """
    names: list[str] = []
    for place in smallest(shared_tree(query), shared_tree(mutant)):
        made = place if isinstance(place, exp.Alias) else place.find_ancestor(exp.Alias)
        names += [made.alias] if isinstance(made, exp.Alias) else []
        if not isinstance(place, exp.Query):
            names += [column.name for column in _about(place).find_all(exp.Column)]
    return tuple(name.lower() for name in names)


def _about(place: Node) -> Node:
    """A place, of a literal the comparison that it stands in."""
    if place.find(exp.Column):
        return place
    around = place.find_ancestor(exp.Predicate)
    return around if isinstance(around, exp.Predicate) and not around.find(exp.Query) else place
