"""A predicate says the opposite.

Stands for: an inverted flag, ``in`` for ``not in``, ``is null`` for ``is not null``, the exclusion
of what should be kept.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tools.sql.mutate.change import Change, swap, text
from tools.sql.mutate.query import Query, atoms, predicates
from tools.sql.parse import Node

NAME = "predicate_negated"

_OPPOSITE: dict[type[Node], type[Node]] = {
    exp.EQ: exp.NEQ,
    exp.NEQ: exp.EQ,
    exp.LT: exp.GTE,
    exp.LTE: exp.GT,
    exp.GT: exp.LTE,
    exp.GTE: exp.LT,
    exp.NullSafeEQ: exp.NullSafeNEQ,
    exp.NullSafeNEQ: exp.NullSafeEQ,
}


def changes(query: Query) -> Iterator[Change]:
    """Every atomic predicate of a condition, and every one that is an output column, negated."""
    for place in predicates(query):
        for atom in atoms(place):
            yield _negated(atom)
    for select in query.all(exp.Select):
        for item in select.expressions:
            value = item.unalias()
            if isinstance(value.unnest(), exp.Predicate | exp.Not | exp.Connector):
                yield from (_negated(a) for a in atoms(value) if a is not item)


def _negated(atom: Node) -> Change:
    by = negation(atom)
    return Change(atom, f"{text(atom)} becomes {text(by)}", (swap(atom, by),))


def negation(atom: Node) -> Node:
    """The opposite of a predicate that has no AND or OR at its top."""
    if isinstance(atom, exp.Not):
        inner: Node = atom.this.unnest().copy()
        return inner
    opposite = _OPPOSITE.get(type(atom))
    if opposite is not None:
        return opposite(this=atom.this.copy(), expression=atom.expression.copy())
    return exp.Not(this=atom.copy())
