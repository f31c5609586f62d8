"""Where in a select a node stands: that decides which rows it sees and what holds of them."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tools.sql.analyse import conjuncts
from tools.sql.equivalent.nulls import Test, never_null
from tools.sql.equivalent.scope import Scope
from tools.sql.parse import Node


def clause(node: Node) -> Node | None:
    """The part of the select that holds a node: WHERE, a join, an item of the select list, ..."""
    at = node
    while at.parent is not None and not isinstance(at.parent, exp.Query):
        at = at.parent
    return at if isinstance(at.parent, exp.Select) else None


def after_where(node: Node) -> bool:
    """Whether a node sees only rows that WHERE left: not WHERE itself, not a join."""
    return not isinstance(clause(node), exp.Where | exp.Join | exp.From | None)


def not_null_at(node: Node, scope: Scope) -> Test:
    """The test whether a column surely is not NULL where a node stands."""
    return scope.not_null if after_where(node) else scope.given


def surely_at(node: Node, scope: Scope) -> bool:
    """Whether an expression surely is not NULL where it stands."""
    return never_null(node, not_null_at(node, scope))


def other_filters(node: Node, scope: Scope) -> Iterator[Node]:
    """Conditions that hold of every row that a node sees, and do not contain the node.

    In the condition of an outer, semi or anti join these are the inner joins before it.
    """
    inside = set(map(id, _ancestors(node)))
    holder = clause(node)
    at = next((i for i, s in enumerate(scope.sources) if s.join is holder and holder), None)
    if at is None or scope.sources[at].inner:
        return (part for part in scope.filters() if id(part) not in inside)
    before = scope.sources[:at] if scope.one_sided else ()
    return (p for s in before if s.inner and s.on is not None for p in conjuncts(s.on))


def _ancestors(node: Node) -> Iterator[Node]:
    at: Node | None = node
    while at is not None:
        yield at
        at = at.parent
