"""What of a column reaches the result of an expression, and what duplicates do to it."""

from __future__ import annotations

import re

from sqlglot import exp

from tools.sql.analyse import ColumnRef
from tools.sql.parse import Node

_HIDING = re.compile(r"(?i)hash|^sha|md5|hmac|mask|redact|fingerprint|tokenize|length$|^len$")
_PREDICATES = (exp.Predicate, exp.And, exp.Or, exp.Not)
_SAFE = (exp.Min, exp.Max, exp.AnyValue, exp.LogicalAnd, exp.LogicalOr, exp.ApproxDistinct)


def exposed_columns(node: Node) -> tuple[ColumnRef, ...]:
    """The columns whose value can be read off the result, in order, each once.

    A hash, a length, a count, a comparison and the condition of a ``case`` hide what they look
    at; everything else is taken to show it.
    """
    return tuple(dict.fromkeys(_exposed(node)))


def _exposed(node: Node) -> list[ColumnRef]:
    if isinstance(node, exp.Column):
        return [] if isinstance(node.this, exp.Star) else [ColumnRef(node.name, node.table or None)]
    if isinstance(node, (*_PREDICATES, exp.Count, exp.ApproxDistinct)) or _hides(node):
        return []
    children = list(node.iter_expressions())
    if isinstance(node, exp.If):
        children = [c for c in (node.args.get("true"), node.args.get("false")) if c is not None]
    elif isinstance(node, exp.Case):
        branches = [*(node.args.get("ifs") or []), node.args.get("default")]
        children = [c for c in branches if c is not None]
    elif isinstance(node, exp.Window | exp.Filter):
        children = [node.this]
    return [ref for child in children for ref in _exposed(child)]


def _hides(node: Node) -> bool:
    if not isinstance(node, exp.Func):
        return False
    name = node.name if isinstance(node, exp.Anonymous) else node.sql_name()
    return bool(_HIDING.search(name))


def ignores_duplicates(node: Node) -> bool:
    """Whether every aggregate of an expression gives the same result when rows come twice."""
    aggregates = list(node.find_all(exp.AggFunc))
    return bool(aggregates) and all(
        isinstance(a, _SAFE) or isinstance(a.this, exp.Distinct) for a in aggregates
    )
