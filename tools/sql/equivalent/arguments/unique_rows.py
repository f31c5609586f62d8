"""DISTINCT changes nothing where no two rows can be equal.

Why: the rows are identified by a key of what is read (declared, or made by GROUP BY, DISTINCT or
``row_number() = 1``), and joins keep it when their condition picks at most one row. A count or a
sum of distinct values is the plain one when the value, with what is grouped by, identifies the
row. UNION is UNION ALL when both branches have a key and a constant tells them apart.
"""

from __future__ import annotations

from sqlglot import exp

from tools.sql.equivalent.keys import Rows
from tools.sql.equivalent.pair import Pair
from tools.sql.equivalent.relation import Relation
from tools.sql.equivalent.result import group_terms
from tools.sql.parse import Node

NAME = "unique_rows"
COST = 1


def holds(pair: Pair) -> str | None:
    """The reason why DISTINCT does not matter here, or None."""
    one, other = pair.place
    if isinstance(one, exp.Select) and pair.only("distinct"):
        return _select(pair)
    if isinstance(one, exp.Union) and pair.only("distinct"):
        return _union(pair, one)
    if type(one) is not type(other) and {type(one), type(other)} & {exp.Distinct}:
        return _aggregate(pair, one, other)
    return None


def _select(pair: Pair) -> str | None:
    for tree, scopes in zip(pair.place, (pair.scopes, pair.others), strict=True):
        if not tree.args.get("distinct"):
            key = _key(scopes.result(tree))
            return f"rows are unique by {key}" if key else None
    return None


def _key(relation: Relation) -> str | None:
    keys = sorted(relation.keys, key=lambda k: (len(k), sorted(k)))
    return (", ".join(sorted(keys[0])) or "being one row at most") if keys else None


def _union(pair: Pair, union: exp.Union) -> str | None:
    left, right = union.this, union.expression
    if not isinstance(left, exp.Select) or not isinstance(right, exp.Select):
        return None
    keys = [_key(pair.scopes.result(side)) for side in (left, right)]
    apart = any(
        _constant(a) is not None and _constant(b) is not None and _constant(a) != _constant(b)
        for a, b in zip(left.selects, right.selects, strict=False)
    )
    return (
        "both branches are unique and a constant tells them apart" if all(keys) and apart else None
    )


def _constant(item: Node) -> str | None:
    inner = item.unalias()
    return inner.this if isinstance(inner, exp.Literal) and inner.is_string else None


def _aggregate(pair: Pair, one: Node, other: Node) -> str | None:
    """``count(distinct x)`` and ``count(x)``: the place is the argument."""
    distinct, plain = (one, other) if isinstance(one, exp.Distinct) else (other, one)
    call, scope = one.parent, pair.scope
    if scope is None or not isinstance(call, exp.Count | exp.Sum | exp.Avg):
        return None
    if distinct.expressions != [plain] or call.find_ancestor(exp.Window):
        return None
    group = group_terms(scope) if scope.select.args.get("group") else []
    if group is None:
        return None
    terms = [scope.term(n) for n in (plain, *group)]
    known = {t for t in terms if t is not None}
    if scope.term(plain) is None or not Rows(scope).identified(known):
        return None
    return f"{plain.sql('duckdb')} is another one in each row of a group"
