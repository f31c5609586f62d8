"""Constants that are a little off."""

from __future__ import annotations

import datetime as dt
import decimal

from sqlglot import exp

from tools.sql.parse import Node


def neighbours(node: Node) -> list[Node]:
    """The constants next to a constant: one up and one down, another text, the other truth.

    Empty for what is no constant, and where one more makes no sense.
    """
    if isinstance(node, exp.Boolean):
        return [exp.Boolean(this=not node.this)]
    if not isinstance(node, exp.Literal):
        return []
    if node.is_string:
        return [exp.Literal.string(text) for text in _texts(node.this)]
    return _numbers(node)


def _numbers(node: exp.Literal) -> list[Node]:
    try:
        value = decimal.Decimal(node.this)
    except decimal.InvalidOperation:
        return []
    step = decimal.Decimal(1).scaleb(min(0, int(value.as_tuple().exponent)))
    negative = isinstance(node.parent, exp.Neg)
    found: list[Node] = []
    for near in (value + step, value - step):
        if near >= 0:
            found.append(exp.Literal.number(f"{near:f}"))
        elif not negative:
            found.append(exp.Neg(this=exp.Literal.number(f"{-near:f}")))
    return found


def _texts(text: str) -> list[str]:
    """Dates move by a day, whole numbers by one, other texts are another word."""
    for shape in ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S"):
        try:
            day = dt.datetime.strptime(text, shape)  # noqa: DTZ007  a constant has no time zone
        except ValueError:
            continue
        try:
            moved = [day + dt.timedelta(days=1), day - dt.timedelta(days=1)]
        except OverflowError:
            return []
        return [m.strftime(shape).rjust(len(text), "0") for m in moved]
    if text.isdecimal() and text.isascii():
        return [str(int(text) + 1), str(int(text) - 1)]
    return [text + "x"] if text else ["x"]
