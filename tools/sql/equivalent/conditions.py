"""A condition that a fault changed: WHERE, HAVING, QUALIFY or the ON of one join."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from tools.sql.analyse import conjuncts
from tools.sql.equivalent.nulls import Test
from tools.sql.equivalent.pair import Pair
from tools.sql.equivalent.scope import Scope
from tools.sql.parse import Node

_CLAUSES = ("where", "having", "qualify")


@dataclass(frozen=True)
class Changed:
    """A condition as it was and as it is; everything else of the select is the same.

    Args:
        one: the original condition; true when there was none.
        other: the mutated one.
        scope: of the select.
        not_null: whether a column surely is not NULL in the rows that meet the condition.
        given: other conditions that every row of the result meets.
        groups: whether the condition is about groups of rows.
    """

    one: Node
    other: Node
    scope: Scope
    not_null: Test
    given: tuple[Node, ...]
    groups: bool = False


def changed_conditions(pair: Pair) -> Changed | None:
    """The condition in which two trees differ, when that is all in which they differ."""
    scope, selects = pair.scope, pair.selects
    if scope is None or selects is None or not _the_rest_is_alike(pair):
        return None
    one, other = selects
    keys = [
        k
        for k in {*one.args, *other.args}
        if (one.args.get(k) or None) != (other.args.get(k) or None)
    ]
    if len(keys) != 1:
        return None
    if keys[0] == "joins":
        return _join(scope, one.args.get("joins") or [], other.args.get("joins") or [])
    if keys[0] not in _CLAUSES:
        return None
    before, after = (_condition(s.args.get(keys[0])) for s in selects)
    if keys[0] == "where":
        return Changed(before, after, scope, scope.given, _inner_conditions(scope, None))
    grouped = bool(one.args.get("group"))
    filters = tuple(scope.filters()) if grouped or not scope.aggregated else ()
    having = keys[0] == "having" and grouped
    return Changed(before, after, scope, scope.not_null, filters, groups=having)


def _the_rest_is_alike(pair: Pair) -> bool:
    """Whether the selects hold every difference of the trees."""
    selects = pair.selects
    if selects is None:
        return False
    place = pair.place[0]
    return place is selects[0] or place.find_ancestor(exp.Select) is selects[0]


def _condition(clause: Node | None) -> Node:
    return clause.this if clause is not None else exp.true()


def _join(scope: Scope, ones: list[exp.Join], others: list[exp.Join]) -> Changed | None:
    if len(ones) != len(others):
        return None
    differing = [(a, b) for a, b in zip(ones, others, strict=True) if a != b]
    if len(differing) != 1:
        return None
    one, other = differing[0]
    if any(
        (one.args.get(k) or None) != (other.args.get(k) or None)
        for k in {*one.args, *other.args} - {"on"}
    ):
        return None
    conditions = [j.args.get("on") or exp.true() for j in (one, other)]
    source = next((s for s in scope.sources if s.join is one), None)
    if source is None or not source.plain:
        return None
    alike = source.inner and scope.one_sided
    given = _inner_conditions(scope, one) + _where(scope) if alike else ()
    return Changed(conditions[0], conditions[1], scope, scope.given, given)


def _where(scope: Scope) -> tuple[Node, ...]:
    where = scope.select.args.get("where")
    return conjuncts(where.this) if where is not None else ()


def _inner_conditions(scope: Scope, but: exp.Join | None) -> tuple[Node, ...]:
    """The ON of every inner join, but of one."""
    if not scope.one_sided:
        return ()
    return tuple(
        part
        for s in scope.sources
        if s.inner and s.on is not None and s.join is not but
        for part in conjuncts(s.on)
    )
