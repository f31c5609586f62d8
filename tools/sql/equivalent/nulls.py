"""What NULL does to an expression: lists of what is surely so; anything else is taken as unsure."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from tools.sql.parse import Node

Test = Callable[[exp.Column], bool]

ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.IntDiv, exp.Mod)
COMPARISONS = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE)

# NULL in any operand gives NULL.
_ALL = (
    *ARITHMETIC, *COMPARISONS, exp.Paren, exp.Neg, exp.Like, exp.ILike, exp.RegexpLike, exp.DPipe,
    exp.StartsWith,
)  # fmt: skip
# NULL in the first operand gives NULL.
_FIRST = (
    exp.Cast, exp.TryCast, exp.Lower, exp.Upper, exp.Trim, exp.Length, exp.Abs, exp.Round,
    exp.Floor, exp.Ceil, exp.Substring, exp.Year, exp.Month, exp.Day, exp.TimestampTrunc,
    exp.DateTrunc, exp.Between, exp.Not, exp.Left, exp.Right, exp.MD5, exp.SHA2,
)  # fmt: skip
# No NULL comes of operands that are not NULL.
_TOTAL = (
    exp.Add, exp.Sub, exp.Mul, *COMPARISONS, exp.Paren, exp.Neg, exp.Like, exp.ILike, exp.DPipe,
    exp.RegexpLike, exp.And, exp.Or, exp.Not, exp.Lower, exp.Upper, exp.Trim, exp.Length, exp.Abs,
    exp.Round, exp.Between, exp.MD5, exp.SHA2,
)  # fmt: skip
_NEVER_NULL = (
    exp.Exists, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Is, exp.Count, exp.CountIf, exp.RowNumber,
    exp.Rank, exp.DenseRank, exp.Boolean, exp.Literal, exp.Concat,
)  # fmt: skip


def strict(node: Node, absent: Test) -> bool:
    """Whether NULL in the columns that ``absent`` names surely makes the expression NULL."""
    if isinstance(node, exp.Column):
        return absent(node)
    if isinstance(node, exp.In):
        return not node.args.get("query") and strict(node.this, absent)
    if isinstance(node, _ALL):
        return any(strict(child, absent) for child in node.iter_expressions())
    if isinstance(node, _FIRST):
        return isinstance(node.this, exp.Expr) and strict(node.this, absent)
    return False


def rejects(node: Node, absent: Test) -> bool:
    """Whether a predicate surely is not true when the columns that ``absent`` names are NULL.

    The null-rejection test of outer-join simplification (Galindo-Legaria and Rosenthal, 1997).
    """
    inner = node.unnest()
    if isinstance(inner, exp.And):
        return rejects(inner.this, absent) or rejects(inner.expression, absent)
    if isinstance(inner, exp.Or):
        return rejects(inner.this, absent) and rejects(inner.expression, absent)
    if isinstance(inner, exp.Is):
        constant = isinstance(inner.expression, exp.Boolean)
        return constant and strict(inner.this, absent)
    if isinstance(inner, exp.Not):
        under = inner.this.unnest()
        if isinstance(under, exp.Is) and isinstance(under.expression, exp.Null):
            return strict(under.this, absent)
        return strict(under, absent)
    if isinstance(inner, exp.In):
        return strict(inner.this, absent)
    return strict(inner, absent)


def never_null(node: Node, column: Test) -> bool:
    """Whether an expression surely is not NULL.

    Args:
        node: the expression, over rows that exist.
        column: whether a column surely is not NULL.
    """
    if isinstance(node, exp.Column):
        return column(node)
    if isinstance(node, exp.Window):
        return _never_null_window(node, column)
    if isinstance(node, exp.Filter):
        return isinstance(node.this, exp.Count)
    if isinstance(node, _NEVER_NULL):
        return True
    if isinstance(node, exp.Coalesce):
        return any(never_null(a, column) for a in (node.this, *node.expressions))
    parts = _parts(node)
    return bool(parts) and all(p is not None and never_null(p, column) for p in parts)


def _never_null_window(node: exp.Window, column: Test) -> bool:
    """Ranks and counts; and the least, the sum of values that are not, the row's own among them."""
    function = node.this
    if isinstance(function, exp.RowNumber | exp.Rank | exp.DenseRank | exp.Count):
        return True
    framed = node.args.get("spec") is not None or node.args.get("alias")
    if framed or not isinstance(function, exp.Min | exp.Max | exp.Sum | exp.Avg):
        return False
    return isinstance(function.this, exp.Expr) and never_null(function.this, column)


def _parts(node: Node) -> list[Node | None]:
    """The operands without whose NULL an expression is not NULL; none where that is not known."""
    if isinstance(node, exp.Cast) and not isinstance(node, exp.TryCast):
        return [node.this]
    if isinstance(node, exp.Case):
        return [*(i.args["true"] for i in node.args["ifs"]), node.args.get("default")]
    if isinstance(node, exp.If):
        return [node.args.get("true"), node.args.get("false")]
    if isinstance(node, exp.In) and not node.args.get("query"):
        return [node.this, *node.expressions]
    if isinstance(node, _TOTAL):
        return list(node.iter_expressions())
    return []
