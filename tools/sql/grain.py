"""Questions about a tree that decide whether rows are multiplied, lost or counted twice."""

from __future__ import annotations

from collections.abc import Collection

from sqlglot import exp

from tools.sql.analyse import ColumnRef, aggregates_in, conjuncts
from tools.sql.parse import Node

_SAFE = (
    exp.AnyValue, exp.ApproxDistinct, exp.ArgMax, exp.ArgMin, exp.LogicalAnd, exp.LogicalOr,
    exp.Max, exp.Min,
)  # fmt: skip


def columns_outside_aggregates(node: Node) -> tuple[ColumnRef, ...]:
    """The columns that are not within an aggregate call, its ``filter`` or its ``order by``."""
    found = [c for c in node.find_all(exp.Column, bfs=False) if not _inside(c, node)]
    return tuple(dict.fromkeys(ColumnRef(c.name, c.table or None) for c in found))


def columns_inside_aggregates(node: Node) -> tuple[ColumnRef, ...]:
    """The columns that are within an aggregate call, its ``filter`` or its ``order by``."""
    found = [c for c in node.find_all(exp.Column, bfs=False) if _inside(c, node)]
    return tuple(
        dict.fromkeys(
            ColumnRef(c.name, c.table or None) for c in found if not isinstance(c.this, exp.Star)
        )
    )


def _inside(column: Node, root: Node) -> bool:
    part = column.parent
    while part is not None:
        if isinstance(part, exp.AggFunc):
            return True
        if isinstance(part, exp.Filter | exp.WithinGroup) and part.this.find(exp.AggFunc):
            return True
        if part is root:
            return False
        part = part.parent
    return False


def duplicate_sensitive(node: Node) -> tuple[Node, ...]:
    """The aggregate calls whose result changes when a row is given twice.

    ``min``, ``max``, ``any_value``, boolean aggregates and everything ``distinct`` do not mind;
    ``sum``, ``count``, ``avg``, lists and the rest do. A ``filter`` is not part of a call.
    """
    return tuple(
        call
        for call in aggregates_in(node)
        if not isinstance(call, _SAFE) and not isinstance(call.this, exp.Distinct)
    )


def determined_columns(predicate: Node, alias: str, columns: Collection[str]) -> set[str]:
    """The columns of ``alias`` (lower case) that a predicate sets equal to something else.

    What they are equal to may be a column of another table, an expression or a constant, as long
    as it does not speak of ``alias`` itself: so a row on the other side finds at most one value.

    Args:
        predicate: an ``on`` or a filter.
        alias: the joined table.
        columns: its columns, so that unqualified names that are its own count too.
    """
    own = {c.lower() for c in columns}
    found: set[str] = set()
    for part in conjuncts(predicate):
        if isinstance(part, exp.EQ | exp.NullSafeEQ):
            for side, other in ((part.left, part.right), (part.right, part.left)):
                inner = side.unnest()
                if (
                    isinstance(inner, exp.Column)
                    and _mine(inner, alias, own)
                    and not any(_mine(c, alias, own) for c in other.find_all(exp.Column))
                ):
                    found.add(inner.name.lower())
        elif isinstance(part, exp.Is) and isinstance(part.this, exp.Column):
            if _mine(part.this, alias, own) and isinstance(part.expression, exp.Boolean | exp.Null):
                found.add(part.this.name.lower())
        elif isinstance(part, exp.Column) and _mine(part, alias, own):
            found.add(part.name.lower())
    return found


def _mine(column: exp.Column, alias: str, own: Collection[str]) -> bool:
    if column.table:
        return bool(column.table.lower() == alias.lower())
    return column.name.lower() in own
