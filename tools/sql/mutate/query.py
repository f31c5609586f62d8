"""A query as the operators look at it: its nodes in order, and whose column is of which type."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

from sqlglot import exp

from tools.sql.equivalent.facts import Facts
from tools.sql.equivalent.scope import Scope
from tools.sql.equivalent.scopes import Scopes
from tools.sql.parse import Node

Kind = TypeVar("Kind", bound=Node)

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

    def all(self, *kinds: type[Kind]) -> Iterator[Kind]:
        """The nodes of some kinds, in order."""
        return (n for n in self.nodes if isinstance(n, kinds))

    @cached_property
    def scopes(self) -> Scopes:
        """What each select of the query reads."""
        return Scopes(self.facts)

    def scope(self, node: Node) -> Scope | None:
        """The scope of the select that a node belongs to."""
        return self.scopes.around(node)

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


def atoms(node: Node) -> Iterator[Node]:
    """The parts of a predicate below AND, OR and parentheses, from left to right.

    A ``not x`` is one part: negating what it negates is the same fault.
    """
    inner = node.unnest()
    if isinstance(inner, exp.Connector):
        yield from atoms(inner.this)
        yield from atoms(inner.expression)
    else:
        yield inner


def predicates(query: Query) -> Iterator[Node]:
    """Every place that holds a predicate: WHERE, HAVING, QUALIFY, ON, FILTER and WHEN."""
    for node in query.nodes:
        if isinstance(node, CONDITIONS):
            yield node.this
        elif isinstance(node, exp.Join) and node.args.get("on") is not None:
            yield node.args["on"]
        elif isinstance(node, exp.If) and not _is_simple_case(node):
            yield node.this


def _is_simple_case(branch: Node) -> bool:
    """Whether a WHEN holds a value that ``case x`` is compared to."""
    case = branch.parent
    return isinstance(case, exp.Case) and case.this is not None


UNIT_FUNCTIONS = {"datepart", "date_part", "datesub", "date_sub", "datetrunc"}


def is_constant(node: Node) -> bool:
    """Whether a literal is a value: no part of a type, no ordinal, no unit of time."""
    parent = node.parent
    if isinstance(node.find_ancestor(exp.DataType, exp.Select), exp.DataType):
        return False
    if isinstance(parent, exp.Select) and isinstance(parent.parent, exp.Exists):
        return False
    if isinstance(parent, exp.Ordered | exp.Group | exp.Var) or node.arg_key == "unit":
        return False
    if isinstance(parent, exp.Extract) and node.arg_key == "this":
        return False
    first = isinstance(parent, exp.Anonymous) and node.index == 0
    return not (first and parent is not None and parent.name.lower() in UNIT_FUNCTIONS)


def is_watermark(query: Query, node: Node) -> bool:
    """Whether a comparison is with what an incremental table already holds."""
    sides = (node.this, node.args.get("expression"))
    return any(isinstance(s, exp.Expr) and query.reads_this(s) for s in sides)


_ENDS = re.compile(
    r"(?i)^_*(dbt_)?(valid|effective|active|row)_?(from|to|until|start|end)(_\w+)?$"
    r"|^(start|end)_?(date|at|time|ts)$"
)


def interval_end(node: Node) -> bool:
    """Whether a comparison or an output column is about the start or the end of a validity."""
    if isinstance(node, exp.Alias):
        return bool(_ENDS.match(node.alias))
    sides = [node.this, node.args.get("expression"), node.args.get("low"), node.args.get("high")]
    columns = [c for s in sides if isinstance(s, exp.Expr) for c in s.find_all(exp.Column)]
    return any(_ENDS.match(c.name) for c in columns)
