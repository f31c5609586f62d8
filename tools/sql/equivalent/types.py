"""Types of expressions, where they are certain."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from sqlglot import exp
from sqlglot.errors import SqlglotError

from tools.sql.parse import Node

_DECIMAL = re.compile(r"decimal\(\d+, (\d+)\)")
_INT, _BIG = 2**31, 2**63

Lookup = Callable[[exp.Column], str | None]

_BOOLEAN = (exp.Predicate, exp.And, exp.Or, exp.Not, exp.Boolean, exp.Exists)
_TEXT = (
    exp.Lower, exp.Upper, exp.Trim, exp.Concat, exp.ConcatWs, exp.Replace, exp.Substring,
    exp.RegexpReplace, exp.Left, exp.Right, exp.MD5, exp.TimeToStr, exp.GroupConcat,
)  # fmt: skip
_BIGINT = (
    exp.Count, exp.RowNumber, exp.Rank, exp.DenseRank, exp.Year, exp.Month, exp.Day, exp.Length,
    exp.DateDiff,
)  # fmt: skip
_WHOLE_PARTS = frozenset("year quarter month week day hour minute dow dayofweek isodow doy".split())
_BY_KIND = ((_BOOLEAN, "boolean"), (_TEXT, "text"), (_BIGINT, "bigint"))
_SAME = (
    exp.Min, exp.Max, exp.AnyValue, exp.First, exp.Last, exp.FirstValue, exp.LastValue, exp.Lag,
    exp.Lead, exp.ArgMax, exp.ArgMin, exp.Paren, exp.Window, exp.Filter, exp.IgnoreNulls, exp.Order,
    exp.Nullif, exp.Neg,
)  # fmt: skip

_FAMILIES = {
    "integer": {"tinyint", "smallint", "int", "integer", "bigint", "hugeint", "int128", "utinyint",
                "usmallint", "uinteger", "ubigint"},
    "text": {"varchar", "text", "char"},
    "date": {"date"},
    "timestamp": {"timestamp"},
    "boolean": {"boolean", "bool"},
    "double": {"double", "float", "real"},
}  # fmt: skip


def type_of(node: Node, lookup: Lookup) -> str | None:
    """The DuckDB type of an expression, lower case, or None where it is not certain."""
    if isinstance(node, exp.Column):
        return lookup(node)
    if isinstance(node, exp.Cast):
        return normal(node.to.sql("duckdb"))
    if isinstance(node, exp.Literal):
        return "text" if node.is_string else _number_type(node)
    known = next((kind for kinds, kind in _BY_KIND if isinstance(node, kinds)), None)
    if known is not None:
        return known
    if isinstance(node, exp.Extract):
        return "bigint" if node.name.lower() in _WHOLE_PARTS else None
    if isinstance(node, _SAME):
        return type_of(node.this, lookup) if isinstance(node.this, exp.Expr) else None
    if isinstance(node, exp.Coalesce):
        return _common([node.this, *node.expressions], lookup)
    if isinstance(node, exp.Case):
        branches = [i.args["true"] for i in node.args["ifs"]]
        default = node.args.get("default")
        return _common([*branches, default] if default is not None else branches, lookup)
    return None


def _number_type(node: exp.Literal) -> str | None:
    if not node.is_int:
        return None
    value = int(node.this)
    return "int" if value < _INT else "bigint" if value < _BIG else None


def _common(nodes: list[Node], lookup: Lookup) -> str | None:
    """The type of a choice: that of its columns where constants fit in it."""
    given = [n for n in nodes if not isinstance(n, exp.Null)]
    constants = [n for n in given if isinstance(n, exp.Literal)]
    kinds = {type_of(n, lookup) for n in given if not isinstance(n, exp.Literal)}
    if not kinds:
        kinds = {type_of(n, lookup) for n in constants}
        return kinds.pop() if len(kinds) == 1 else None
    kind = kinds.pop()
    alone = not kinds and kind is not None
    return kind if alone and all(_holds(str(kind), c) for c in constants) else None


def _holds(kind: str, constant: exp.Literal) -> bool:
    """Whether a constant beside values of a type leaves the type as it is."""
    if constant.is_string:
        return kind in ("text", "date", "timestamp")
    if kind in ("int", "bigint"):
        return constant.is_int and int(constant.this) < _INT
    sizes = re.fullmatch(r"decimal\((\d+), (\d+)\)", kind)
    whole, _, fraction = constant.this.partition(".")
    if sizes is None or not (whole + fraction).isdecimal():
        return kind == "double"
    width, scale = int(sizes[1]), int(sizes[2])
    return len(whole) <= width - scale and len(fraction) <= scale


@lru_cache(maxsize=1024)
def normal(text: str | None) -> str | None:
    """A DuckDB type in one spelling, lower case; None when there is no such type."""
    if text is None:
        return None
    try:
        return str(exp.DataType.build(text, dialect="duckdb").sql("duckdb")).lower()
    except (SqlglotError, ValueError):
        return None


def family(kind: str | None) -> str | None:
    """``integer decimal text date timestamp boolean double``, or None for the others."""
    if kind is None:
        return None
    if kind.startswith("decimal"):
        return "decimal"
    return next((f for f, kinds in _FAMILIES.items() if kind in kinds), None)


def same_values(left: str | None, right: str | None) -> bool:
    """Whether equal values of two types surely are one value.

    Not so for ``interval`` (30 days equal a month), ``double`` (-0.0 equals 0.0), for text that is
    compared to a number (``'1.0'`` and ``'1'`` both equal 1), and for wide decimals that are
    compared as doubles.
    """
    one, other = family(left), family(right)
    if one in (None, "double"):
        return False
    return left == right or one == other == "integer"


def fits(kind: str | None, literal: exp.Literal) -> bool:
    """Whether a comparison with a literal leaves the column uncast, so that one value equals it."""
    if literal.is_string:
        return family(kind) not in (None, "double")
    return family(kind) in ("integer", "decimal")


def scale(kind: str | None) -> int | None:
    """The digits after the point; None of what is no exact number."""
    found = _DECIMAL.fullmatch(kind or "")
    if found is not None:
        return int(found[1])
    return 0 if family(kind) == "integer" else None
