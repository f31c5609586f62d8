"""Expressions that cannot fail on any row, whatever is evaluated first."""

from __future__ import annotations

from sqlglot import exp

from tools.sql.parse import Node

_SAFE = (
    exp.Column, exp.Identifier, exp.Literal, exp.Null, exp.Boolean, exp.Paren, exp.And, exp.Or,
    exp.Not, exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Is, exp.In, exp.Between,
    exp.Like, exp.ILike, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Case, exp.If, exp.Coalesce,
    exp.Nullif, exp.Lower, exp.Upper, exp.Trim, exp.Length, exp.Concat, exp.ConcatWs, exp.DPipe,
    exp.StartsWith, exp.Neg, exp.DataType, exp.DataTypeParam, exp.Var, exp.TryCast, exp.Year,
    exp.Month, exp.Day, exp.Alias, exp.Star, exp.StrPosition,
)  # fmt: skip
_TO_TEXT = ("varchar", "text")


def cannot_fail(node: Node) -> bool:
    """Whether evaluating an expression surely raises no error.

    Arithmetic overflows and divides by zero, casts fail, subqueries give two rows: where those
    are, it matters which rows they are worked out for. Aggregates and window functions are worked
    out before the conditions that use them, so what is in them does not count.
    """
    if isinstance(node, exp.Window | exp.AggFunc | exp.Filter):
        return True
    if isinstance(node, exp.Cast) and not isinstance(node, exp.TryCast):
        constant = isinstance(node.this, exp.Literal)
        return constant or (node.to.sql("duckdb").lower() in _TO_TEXT and cannot_fail(node.this))
    if isinstance(node, exp.Neg):
        return isinstance(node.this, exp.Literal)
    return isinstance(node, _SAFE) and all(cannot_fail(c) for c in node.iter_expressions())
