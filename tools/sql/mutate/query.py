"""A query as the operators look at it: its nodes in order, and whose column is of which type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from sqlglot import exp

from tools.sql.equivalent.facts import Facts
from tools.sql.equivalent.relation import Relation
from tools.sql.equivalent.scope import sources_of
from tools.sql.parse import Node

CONDITIONS = (exp.Where, exp.Having, exp.Qualify)
COMPARISONS = (exp.LT, exp.LTE, exp.GT, exp.GTE)


@dataclass(frozen=True)
class Query:
    """One query that faults are planted in.

    Args:
        tree: its syntax tree; operators leave it alone.
        facts: what is declared of the relations that it reads.
        this: the relation that an incremental model reads as itself, as the query names it.
    """

    tree: Node
    facts: Facts = field(default_factory=dict)
    this: str = ""

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Every node, in the order of the text as far as the tree knows it."""
        return tuple(self.tree.walk(bfs=False))

    def all(self, *kinds: type[Node]) -> Iterator[Node]:
        """The nodes of some kinds, in order."""
        return (n for n in self.nodes if isinstance(n, kinds))

    @cached_property
    def _sources(self) -> Mapping[int, Mapping[str, Relation]]:
        return {id(s): sources_of(s, self.facts) for s in self.all(exp.Select)}

    def sources(self, node: Node) -> Mapping[str, Relation]:
        """The relations that a node's own select reads, by alias in lower case."""
        select = node if isinstance(node, exp.Select) else node.find_ancestor(exp.Select)
        return self._sources.get(id(select), {}) if select is not None else {}

    def reads_this(self, node: Node) -> bool:
        """Whether a part of the query reads the table that the model itself makes."""
        return bool(self.this) and any(
            table_name(t) == self.this.lower() for t in node.find_all(exp.Table)
        )


def table_name(table: Node) -> str:
    """The name of a table as the query has it: lower case, without quotes, parts joined by dots."""
    return ".".join(part.name for part in getattr(table, "parts", [])).lower()


def conjunction(parts: list[Node]) -> Node:
    """The parts joined by AND, as copies; alternatives among them get parentheses."""
    copies = [exp.Paren(this=p.copy()) if isinstance(p, exp.Or) else p.copy() for p in parts]
    tree = copies[0]
    for part in copies[1:]:
        tree = exp.And(this=tree, expression=part)
    return tree


def flat(node: Node, kind: type[Node]) -> list[Node]:
    """The operands of a chain of ANDs, or of ORs, from left to right."""
    inner = node.unnest()
    if isinstance(inner, kind):
        return [*flat(inner.this, kind), *flat(inner.expression, kind)]
    return [node]
