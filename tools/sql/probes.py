"""Values at which an expression may change its mind: literals, patterns, casts, other columns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Literal

from sqlglot import exp

from tools.sql.analyse import ColumnRef, columns_in
from tools.sql.parse import Node

Kind = Literal["value", "part", "like", "regex", "cast"]

_COMPARES = (
    exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In, exp.Is,
    exp.NullSafeEQ, exp.NullSafeNEQ, exp.Nullif, exp.Coalesce, exp.Case, exp.If,
)  # fmt: skip
_REGEX = (
    exp.RegexpLike, exp.RegexpILike, exp.RegexpReplace, exp.RegexpExtract, exp.RegexpCount,
    exp.RegexpSplit, exp.SimilarTo,
)  # fmt: skip
# BigQuery and others write patterns as r'...'.
_LITERALS = (exp.Literal, exp.RawString, exp.National)
_SKIPPED = (exp.Interval, exp.DataType, exp.Limit, exp.WindowSpec)


@dataclass(frozen=True)
class Probe:
    """A value worth giving to a column, because an expression treats it apart.

    Args:
        column: the column.
        kind: ``value`` is compared with it, ``part`` is looked for in it, ``like`` and ``regex``
            are patterns of it, ``cast`` names a type that it is read as.
        value: text or number.
    """

    column: ColumnRef
    kind: Kind
    value: str | Decimal


def probes(node: Node) -> tuple[Probe, ...]:
    """The values that an expression treats apart, for each of its columns."""
    return tuple(dict.fromkeys(_probes(node)))


def _probes(node: Node) -> Iterator[Probe]:
    for literal in node.find_all(*_LITERALS):
        found = _user_of(literal, node)
        if found is None:
            continue
        user, kind = found
        for column in columns_in(user):
            yield Probe(column, kind, _value(literal))
    for cast in node.find_all(exp.Cast, exp.TryCast):
        for column in columns_in(cast.this):
            yield Probe(column, "cast", cast.to.sql("duckdb").lower())


def _value(literal: Node) -> str | Decimal:
    if not isinstance(literal, exp.Literal) or literal.is_string:
        return str(literal.this)
    number = Decimal(literal.this)
    return -number if isinstance(literal.parent, exp.Neg) else number


def _user_of(literal: Node, root: Node) -> tuple[Node, Kind] | None:
    """The smallest part around a literal that looks at a column, and how it uses the literal.

    A literal that is the result of a branch is given, not looked for.
    """
    child: Node = literal
    part = literal.parent
    kind: Kind | None = None
    while part is not None:
        if isinstance(part, _SKIPPED) or _is_result(child, part):
            return None
        if kind is None and not isinstance(part, exp.Paren | exp.Neg | exp.Cast):
            kind = _kind(child, part)
        if part.find(exp.Column) is not None:
            return (part, kind or "part")
        if part is root:
            return None
        child, part = part, part.parent
    return None


def _is_result(child: Node, part: Node) -> bool:
    if isinstance(part, exp.If) and part.this is not child:
        return True
    return isinstance(part, exp.Case) and part.args.get("default") is child


def _kind(child: Node, part: Node) -> Kind:
    if isinstance(part, exp.Like | exp.ILike):
        return "like"
    if isinstance(part, _REGEX):
        return "regex" if part.args.get("expression") is child else "part"
    if isinstance(part, exp.Anonymous) and part.name.lower().startswith("regexp"):
        return "regex"
    return "value" if isinstance(part, _COMPARES) else "part"


def compared_columns(node: Node) -> tuple[tuple[ColumnRef, ColumnRef], ...]:
    """The pairs of columns that an expression compares with each other, each once."""
    pairs: dict[tuple[ColumnRef, ColumnRef], None] = {}
    for part in node.find_all(
        exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ,
        exp.Sub, exp.DateDiff, exp.Between, exp.Nullif,
    ):  # fmt: skip
        sides = [s for s in part.iter_expressions() if isinstance(s, exp.Expression)]
        for left, right in pairwise(sides):
            for one in columns_in(left):
                for two in columns_in(right):
                    if one != two:
                        pairs[one, two] = None
    return tuple(pairs)


def compared_numbers(node: Node) -> tuple[tuple[Node, Decimal], ...]:
    """The expressions over one column that are compared with a number, and the number.

    A bare column is left out: there the number itself is the value to try.
    """
    found: list[tuple[Node, Decimal]] = []
    for part in node.find_all(
        exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In
    ):
        sides = [s for s in part.iter_expressions() if isinstance(s, exp.Expression)]
        numbers = [n for n in map(_number, sides) if n is not None]
        for side in sides:
            bare = isinstance(side.unnest(), exp.Column)
            if not bare and len(columns_in(side)) == 1 and not side.find(exp.AggFunc, exp.Window):
                found += [(side, number) for number in numbers]
    return tuple(found)


def _number(node: Node) -> Decimal | None:
    inner = node.unnest()
    if isinstance(inner, exp.Neg):
        below = _number(inner.this)
        return None if below is None else -below
    return Decimal(inner.this) if isinstance(inner, exp.Literal) and inner.is_number else None
