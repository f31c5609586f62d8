"""A column is the same as the one it was swapped with.

Why: a condition that every row meets (WHERE, or ON of an inner join) sets them equal, and they
have one type, so that equal values are one value. Or both copy the same column of one row of a
relation: they come from one reading of it, or the condition sets equal a key of it that both
bring along.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tools.sql.equivalent.pair import Pair
from tools.sql.equivalent.place import other_filters
from tools.sql.equivalent.relation import Output
from tools.sql.equivalent.scope import Scope, Source
from tools.sql.equivalent.types import same_values
from tools.sql.parse import Node

NAME = "same_column"
COST = 1

_READS = ("from_", "joins", "where", "with_", "laterals")

Owned = tuple[Source, Output]


def holds(pair: Pair) -> str | None:
    """The reason why the two columns are equal, or None."""
    one, other = pair.place
    if isinstance(one, exp.Select) and isinstance(other, exp.Select):
        return _throughout(pair, one, other)
    left, right, scope = one.unalias(), other.unalias(), pair.scope
    if scope is None or not isinstance(left, exp.Column) or not isinstance(right, exp.Column):
        return None
    if one.alias_or_name.lower() != other.alias_or_name.lower() and _is_output(one):
        return None
    first, second = scope.resolve(left), scope.resolve(right)
    if first is None or second is None or not scope.one_sided:
        return None
    if not same_values(first[1].type, second[1].type) or first[1].type != second[1].type:
        return None
    equal = list(_equal(one, scope))
    for a, b, text in equal:
        if {_id(a), _id(b)} == {_id(first), _id(second)}:
            return f"{text} holds of every row"
    return _same_row(pair, first, second, equal)


def _is_output(node: Node) -> bool:
    return isinstance(node.parent, exp.Select) and node.arg_key == "expressions"


def _id(owned: Owned) -> tuple[str, str]:
    return owned[0].alias, owned[1].name.lower()


def _equal(node: Node, scope: Scope) -> Iterator[tuple[Owned, Owned, str]]:
    """The columns that conditions on every row set equal, with the condition."""
    for part in other_filters(node, scope):
        if isinstance(part, exp.EQ):
            sides = [s.unnest() for s in (part.this, part.expression)]
            owners = [scope.resolve(s) for s in sides if isinstance(s, exp.Column)]
            if len(owners) == 2 and owners[0] is not None and owners[1] is not None:
                yield owners[0], owners[1], part.sql("duckdb")


def _throughout(pair: Pair, one: exp.Select, other: exp.Select) -> str | None:
    """Swapped in several clauses at once: in the select list and in GROUP BY."""
    scope = pair.scopes.of(one)
    if not scope.one_sided or any(one.args.get(k) != other.args.get(k) for k in _READS):
        return None
    names: dict[str, str] = {}
    for a, b, _ in _equal(one, scope):
        if same_values(a[1].type, b[1].type) and a[1].type == b[1].type:
            left, right = (".".join(_id(o)) for o in (a, b))
            names[max(left, right)] = min(left, right)
    sides = [_representative(s, pair.scopes.of(one), names) for s in (one, other)]
    return "the columns are set equal in every row" if sides[0] == sides[1] else None


def _representative(select: exp.Select, scope: Scope, names: dict[str, str]) -> Node:
    """The select with each column that is set equal to another one under one name."""

    def common(node: Node) -> Node:
        if not isinstance(node, exp.Column) or node.find_ancestor(exp.Select) is not copy:
            return node
        owner = scope.resolve(node)
        name = ".".join(_id(owner)) if owner is not None else None
        if name is None or (name not in names and name not in names.values()):
            return node
        table, column = names.get(name, name).split(".", 1)
        return exp.column(column, table=table)

    copy = select.copy()
    for key in ("expressions", "group", "having", "qualify"):
        parts = copy.args.get(key) or []
        for part in list(parts) if isinstance(parts, list) else [parts]:
            bare = key == "expressions" and isinstance(part, exp.Column)
            named = part.replace(exp.alias_(part.copy(), part.name)) if bare else part
            named.transform(common, copy=False)
    return copy


def _same_row(
    pair: Pair, first: Owned, second: Owned, equal: list[tuple[Owned, Owned, str]]
) -> str | None:
    """Whether both columns copy one column of one row."""
    origin = first[1].origin
    if origin is None or origin != second[1].origin:
        return None
    if first[0].alias == second[0].alias and first[1].row == second[1].row:
        return f"both are {origin[0]}.{origin[1]} of one row"
    rows = {first[1].row, second[1].row}
    joined = {
        a[1].origin[1]
        for a, b, _ in equal
        if a[1].origin is not None
        and a[1].origin == b[1].origin
        and a[1].origin[0] == origin[0]
        and {a[1].row, b[1].row} == rows
        and same_values(a[1].type, b[1].type)
    }
    for key in pair.scopes.facts[origin[0]].keys if origin[0] in pair.scopes.facts else ():
        if {k.lower() for k in key} <= joined:
            return f"both are of the row of {origin[0]} with the same {', '.join(key)}"
    return None
