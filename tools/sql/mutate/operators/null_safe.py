"""NULL is compared as if it were a value, or as if it were none.

Stands for: ``<>`` for ``is distinct from``, which finds no change to or from NULL.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tools.sql.mutate.change import Change, swap, text
from tools.sql.mutate.query import Query

NAME = "null_safe"

_OTHER: dict[type[exp.Expr], type[exp.Expr]] = {exp.NullSafeEQ: exp.EQ, exp.NullSafeNEQ: exp.NEQ}


def changes(query: Query) -> Iterator[Change]:
    """Every null-safe comparison as the plain one."""
    for node in query.all(*_OTHER):
        by = _OTHER[type(node)](this=node.this.copy(), expression=node.expression.copy())
        yield Change(node, f"{text(node)} becomes {text(by)}", (swap(node, by),))
