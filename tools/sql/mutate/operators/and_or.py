"""AND stands where OR should, or the other way round.

Stands for: missing parentheses and inverted thinking about exclusions (``a <> 1 or a <> 2``).
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tools.sql.mutate.change import Change, swap, text
from tools.sql.mutate.query import Query

NAME = "and_or"


def changes(query: Query) -> Iterator[Change]:
    """Every AND as OR, every OR as AND."""
    for node in query.all(exp.And, exp.Or):
        other, name = (exp.Or, "or") if isinstance(node, exp.And) else (exp.And, "and")
        sides = [_operand(side.copy(), other) for side in (node.this, node.expression)]
        by = other(this=sides[0], expression=sides[1])
        yield Change(node.expression, f"{text(node)}: joined by {name}", (swap(node, by),))


def _operand(side: exp.Expr, inside: type[exp.Connector]) -> exp.Expr:
    loose = isinstance(side, exp.Connector) and not isinstance(side, inside)
    return exp.Paren(this=side) if loose else side
