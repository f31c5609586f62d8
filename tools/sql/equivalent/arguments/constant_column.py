"""A column that holds one constant is that constant.

Why: every row has this text in the column (a literal of the query that makes it, or what is
declared), so a comparison with a text is always true or never, and may be replaced by that.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from tools.sql.equivalent.arguments.never_null import simplified
from tools.sql.equivalent.conditions import Changed, changed_conditions
from tools.sql.equivalent.pair import Pair
from tools.sql.equivalent.scope import Scope
from tools.sql.parse import Node

NAME = "constant_column"
COST = 3


def holds(pair: Pair) -> str | None:
    """The reason why the conditions are the same, or None."""
    changed = changed_conditions(pair)
    if changed is None:
        return None
    left, right = (_settled(n, changed) for n in (changed.one, changed.other))
    return "what is compared is the same text in every row" if left == right else None


def _settled(node: Node, changed: Changed) -> Node:
    """A condition in which comparisons of constants are replaced by their outcome."""

    def outcome(part: Node) -> Node:
        if isinstance(part, exp.EQ | exp.NEQ):
            sides = [_text(s, changed.scope) for s in (part.this, part.expression)]
            if None not in sides:
                return exp.Boolean(this=(sides[0] == sides[1]) is isinstance(part, exp.EQ))
        return part

    # Nodes of the tree itself are resolved: a copy of them is in no select.
    return simplified(_replaced(node, outcome), changed.not_null)


def _replaced(node: Node, outcome: Callable[[Node], Node]) -> Node:
    parts = list(node.find_all(exp.EQ, exp.NEQ))
    texts = [outcome(p) for p in parts]
    copy = node.copy()
    for part, text in zip(list(copy.find_all(exp.EQ, exp.NEQ)), texts, strict=True):
        if isinstance(text, exp.Boolean):
            if part is copy:
                return text
            part.replace(text)
    return copy


def _text(node: Node, scope: Scope) -> str | None:
    inner = node.unnest()
    if isinstance(inner, exp.Literal):
        return str(inner.this) if inner.is_string else None
    owner = scope.resolve(inner) if isinstance(inner, exp.Column) else None
    if owner is None or owner[0].absent or not owner[0].plain:
        return None
    return owner[1].constant
