"""Time is measured in another unit.

Stands for: revenue by day where by month was asked, an age in months, a window of days that should
be hours.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tools.sql.mutate.change import Change, swap, text
from tools.sql.mutate.query import UNIT_FUNCTIONS, Query
from tools.sql.parse import Node

NAME = "date_unit"

_OTHER = {
    "SECOND": "MINUTE", "MINUTE": "HOUR", "HOUR": "DAY", "DAY": "MONTH", "WEEK": "MONTH",
    "MONTH": "YEAR", "QUARTER": "MONTH", "YEAR": "MONTH", "DOW": "DAY", "DAYOFWEEK": "DAY",
    "ISODOW": "DAY", "DOY": "DAY",
}  # fmt: skip
_PARTS: dict[type[Node], type[Node]] = {
    exp.Year: exp.Month,
    exp.Month: exp.Day,
    exp.Day: exp.Month,
    exp.Quarter: exp.Month,
    exp.Week: exp.Month,
}


def changes(query: Query) -> Iterator[Change]:
    """Every unit of an interval, a truncation, a difference or a part, as its neighbour."""
    for node in query.nodes:
        if type(node) in _PARTS:
            by = _PARTS[type(node)](this=node.this.copy())
            yield Change(node, f"{text(node)} becomes {text(by)}", (swap(node, by),))
        elif (
            isinstance(node, exp.Anonymous)
            and node.name.lower() in UNIT_FUNCTIONS
            and node.expressions
        ):
            yield from _unit(node, node.expressions[0])
        elif isinstance(node, exp.Extract):
            yield from _unit(node, node.this)
        elif isinstance(node.args.get("unit"), exp.Expr):
            yield from _unit(node, node.args["unit"])


def _unit(node: Node, unit: Node) -> Iterator[Change]:
    name = unit.name.upper().removesuffix("S")
    if isinstance(unit, exp.Var | exp.Literal) and name in _OTHER:
        other = _OTHER[name]
        by = exp.Var(this=other) if isinstance(unit, exp.Var) else exp.Literal.string(other.lower())
        what = f"{name.lower()} becomes {other.lower()} in {text(node)}"
        yield Change(node, what, (swap(unit, by),))
