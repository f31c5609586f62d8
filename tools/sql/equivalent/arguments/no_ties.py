"""The order among equal rows does not matter where no rows are equal.

Why: the partition and the sort keys before the change identify the row, so later sort keys never
decide, ranks of every kind are the same numbers, and frames by ``rows`` and by ``range`` agree.
"""

from __future__ import annotations

from sqlglot import exp

from tools.sql.equivalent.pair import Pair
from tools.sql.equivalent.result import identifying
from tools.sql.equivalent.scope import Scope
from tools.sql.equivalent.windows import Shape, around, shape
from tools.sql.parse import Node

NAME = "no_ties"
COST = 2

_RANKS = (exp.RowNumber, exp.Rank, exp.DenseRank)


def holds(pair: Pair) -> str | None:
    """The reason why ties cannot happen, or None."""
    scope = pair.scope
    windows = around(pair)
    if scope is None or windows is None:
        return None
    one, other = (shape(w) for w in windows)
    if one is None or other is None or one.partition != other.partition:
        return None
    if not _alike(one, other):
        return None
    common = []
    for left, right in zip(one.order, other.order, strict=False):
        if left != right:
            break
        common.append(left)
    framed = one.frame != other.frame or one.function != other.function
    if framed and one.order != other.order:
        return None
    return _identified(scope, [*one.partition, *(o.this for o in common)])


def _alike(one: Shape, other: Shape) -> bool:
    """Whether the windows differ in nothing but what ties decide."""
    ranks = isinstance(one.function, _RANKS) and isinstance(other.function, _RANKS)
    if one.function != other.function and not ranks:
        return False
    return one.frame == other.frame or {one.frame, other.frame} <= {"", "rows", "range"}


def _identified(scope: Scope, nodes: list[Node]) -> str | None:
    terms = {t for n in nodes if (t := scope.term(n)) is not None}
    # Qualify filters after windows are worked out, so what it keeps unique does not count here.
    tests = identifying(scope, qualified=False)
    if any(test(terms) for test in tests):
        return f"{', '.join(n.sql('duckdb') for n in nodes)} identifies a row"
    return None
