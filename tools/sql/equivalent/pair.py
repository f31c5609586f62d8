"""Two trees that differ in one place, and what is around that place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlglot import exp

from tools.sql.equivalent.scope import Scope
from tools.sql.equivalent.scopes import Scopes
from tools.sql.parse import Node


@dataclass(frozen=True)
class Pair:
    """An original and a mutant.

    Args:
        one: the original tree.
        other: the mutated tree.
        scopes: of the original.
        others: of the mutant.
    """

    one: Node
    other: Node
    scopes: Scopes
    others: Scopes

    @cached_property
    def place(self) -> tuple[Node, Node]:
        """The smallest subtrees that hold every difference."""
        return smallest(self.one, self.other)

    @cached_property
    def selects(self) -> tuple[exp.Select, exp.Select] | None:
        """The selects around the place; None when it is in none, or not in the same one."""
        one, other = (_select(n) for n in self.place)
        return (one, other) if one is not None and other is not None else None

    @property
    def scope(self) -> Scope | None:
        """The scope of the original's select around the place."""
        return self.scopes.of(self.selects[0]) if self.selects else None

    def climb(self) -> Iterator[tuple[Node, Node]]:
        """The place and what is around it, up to the clause of its select."""
        one: Node | None
        other: Node | None
        one, other = self.place
        while one is not None and other is not None and not isinstance(one, exp.Query):
            yield one, other
            one, other = one.parent, other.parent

    def only(self, *keys: str) -> bool:
        """Whether the two nodes of the place are alike but for some of their parts."""
        one, other = self.place
        if type(one) is not type(other):
            return False
        names = {k for k in (*one.args, *other.args) if k not in keys}
        return all(_value(one.args.get(k)) == _value(other.args.get(k)) for k in names)


def _select(node: Node) -> exp.Select | None:
    found = node if isinstance(node, exp.Select) else node.find_ancestor(exp.Select)
    return found if isinstance(found, exp.Select) else None


def smallest(one: Node, other: Node) -> tuple[Node, Node]:
    """Descends as long as exactly one child differs; columns and types stay whole."""
    while type(one) is type(other) and not isinstance(one, exp.Column | exp.DataType | exp.Table):
        step = _step(one, other)
        if step is None:
            break
        one, other = step
    return one, other


def _step(one: Node, other: Node) -> tuple[Node, Node] | None:
    found: tuple[Node, Node] | None = None
    for key in {*one.args, *other.args}:
        left, right = _value(one.args.get(key)), _value(other.args.get(key))
        if left == right:
            continue
        pairs = _children(left, right)
        if pairs is None or found is not None or len(pairs) != 1:
            return None
        found = pairs[0]
    return found


def _children(left: Any, right: Any) -> list[tuple[Node, Node]] | None:
    """The children that differ, pairwise; None when they do not pair up."""
    if isinstance(left, exp.Expr) and isinstance(right, exp.Expr):
        return [(left, right)]
    if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        pairs = [(a, b) for a, b in zip(left, right, strict=True) if a != b]
        if all(isinstance(a, exp.Expr) and isinstance(b, exp.Expr) for a, b in pairs):
            return pairs
    return None


def _value(value: Any) -> Any:
    """An argument with all its empty forms alike."""
    return None if value is None or value is False or value == [] else value
