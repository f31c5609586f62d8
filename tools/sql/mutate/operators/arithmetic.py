"""An arithmetic operator is another one.

Stands for: a tax that is subtracted, a rate that is divided by, operands the wrong way round.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tools.sql.mutate.change import Change, swap, text
from tools.sql.mutate.query import Query
from tools.sql.parse import Node

NAME = "arithmetic"

_OTHER: dict[type[Node], type[Node]] = {
    exp.Add: exp.Sub,
    exp.Sub: exp.Add,
    exp.Mul: exp.Div,
    exp.Div: exp.Mul,
    exp.IntDiv: exp.Mul,
    exp.Mod: exp.Mul,
}


def changes(query: Query) -> Iterator[Change]:
    """``+`` as ``-``, ``*`` as ``/`` and back; operands of ``-``, ``/``, ``||`` exchanged."""
    for node in query.all(*_OTHER, exp.DPipe, exp.Neg):
        if isinstance(node, exp.Neg):
            if not isinstance(node.this, exp.Literal):
                yield _change(node, node.this.copy())
            continue
        if type(node) in _OTHER:
            yield _change(node, _made(_OTHER[type(node)], node, node.this, node.expression))
        if isinstance(node, exp.Sub | exp.Div | exp.DPipe) and not node.find(exp.Interval):
            yield _change(node, _made(type(node), node, node.expression, node.this))


def _made(kind: type[Node], node: Node, left: Node, right: Node) -> Node:
    """The operation with its operands in parentheses where they need them."""
    extra = {k: v for k, v in node.args.items() if k not in ("this", "expression")}
    loose = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.IntDiv, exp.Mod, exp.DPipe)
    sides = [exp.Paren(this=s.copy()) if isinstance(s, loose) else s.copy() for s in (left, right)]
    return kind(this=sides[0], expression=sides[1], **extra)


def _change(node: Node, by: Node) -> Change:
    return Change(node, f"{text(node)} becomes {text(by)}", (swap(node, by),))
