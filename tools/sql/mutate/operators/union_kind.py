"""Sets are put together in another way.

Stands for: ``union`` that removes rows which are equal by right, ``union all`` that counts a row
of both branches twice, a branch that is missing.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tools.sql.mutate.change import Change, Edit, swap
from tools.sql.mutate.query import Query

NAME = "union_kind"


def changes(query: Query) -> Iterator[Change]:
    """UNION as UNION ALL and back; every set operation without its second or its first branch."""
    for node in query.all(exp.SetOperation):
        distinct = bool(node.args.get("distinct"))
        kind = type(node).__name__.lower()
        if isinstance(node, exp.Union):
            what = "union becomes union all" if distinct else "union all becomes union"
            yield Change(node.expression, what, (Edit(node, "distinct", not distinct),))
        if node.parent is not None and not node.args.get("with_"):
            what = f"second branch of {kind} dropped"
            yield Change(node.expression, what, (swap(node, node.this.copy()),))
            if isinstance(node, exp.Union):
                what = f"first branch of {kind} dropped"
                yield Change(node.this, what, (swap(node, node.expression.copy()),))
