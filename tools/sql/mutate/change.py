"""One change of a syntax tree: written down first, then done and undone in place.

A query of a hundred lines has hundreds of mutants. Changing one tree in place and putting it back
costs a fraction of copying it each time. New values are always made of copies: a node that is
moved would not find its way back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from tools.errors import InternalError
from tools.sql.parse import Node
from tools.sql.render import render

_NESTS = (exp.Binary, exp.Neg, exp.Between, exp.In, exp.AtTimeZone, exp.Bracket)
_LOOSE = (exp.Connector, exp.Not, exp.Neg, exp.Between, exp.In)


@dataclass(frozen=True)
class Edit:
    """``node.args[key]`` becomes ``value``."""

    node: Node
    key: str
    value: Any


@dataclass(frozen=True)
class Change:
    """A fault that can be planted.

    Args:
        site: the part of the query that it concerns; it gives the place in the text.
        what: what changes, in a few words: ``left join becomes inner join``.
        edits: what has to be done to the tree.
        unlucky: where the fault leaves rows in an order by chance, edits that give one such order.
    """

    site: Node
    what: str
    edits: tuple[Edit, ...]
    unlucky: tuple[Edit, ...] = ()


@contextmanager
def applied(change: Change) -> Iterator[None]:
    """The tree with the change in it; afterwards it is as it was."""
    before = [(e.node, e.key, _kept(e.node.args.get(e.key))) for e in change.edits]
    try:
        for edit in change.edits:
            edit.node.set(edit.key, edit.value)
        yield
    finally:
        for node, key, value in reversed(before):
            node.set(key, value)


def _kept(value: Any) -> Any:
    return list(value) if isinstance(value, list) else value


def swap(node: Node, by: Node) -> Edit:
    """The edit that puts a tree in the place of another.

    The name of an output column stays, and parentheses are set where the new tree binds less.
    """
    parent, key = _holder(node)
    new = _fit(node, by, parent, key)
    if node.index is None:
        return Edit(parent, key, new)
    items = _kept(parent.args[key])
    items[node.index] = new
    return Edit(parent, key, items)


def _fit(node: Node, by: Node, parent: Node, key: str) -> Node:
    if isinstance(parent, exp.Select) and key == "expressions" and not isinstance(by, exp.Alias):
        name = node.output_name if isinstance(node, exp.Column | exp.Dot) else ""
        if name and by.output_name != name:
            return exp.alias_(by, exp.to_identifier(name, quoted=_quoted(node)))
    return exp.Paren(this=by) if _binds_less(by, parent) else by


def _binds_less(node: Node, parent: Node) -> bool:
    """Whether a tree needs parentheses within another one."""
    if isinstance(parent, exp.Connector):
        return isinstance(node, exp.Connector) and type(node) is not type(parent)
    if isinstance(parent, exp.Not):
        return isinstance(node, exp.Connector)
    operator = isinstance(node, exp.Binary) and not isinstance(node, exp.Func | exp.Dot)
    return isinstance(parent, _NESTS) and (operator or isinstance(node, _LOOSE))


def _quoted(node: Node) -> bool:
    name = node.this if isinstance(node, exp.Column) else None
    return isinstance(name, exp.Identifier) and bool(name.args.get("quoted"))


def _holder(node: Node) -> tuple[Node, str]:
    if node.parent is None or node.arg_key is None:
        raise InternalError("the root of a query cannot be replaced")
    return node.parent, node.arg_key


def without(node: Node) -> Edit:
    """The edit that takes a tree out of the list that holds it, or clears the place it has."""
    parent, key = _holder(node)
    if node.index is None:
        return Edit(parent, key, None)
    items = _kept(parent.args[key])
    del items[node.index]
    return Edit(parent, key, items or None)


def text(node: Node, limit: int = 60) -> str:
    """A tree as a person would name it in a sentence, shortened."""
    sql = render(node, "duckdb", width=10_000)
    return sql if len(sql) <= limit else sql[: limit - 1].rstrip() + "…"
