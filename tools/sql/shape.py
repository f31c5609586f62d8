"""Small questions and changes that code generation needs of a tree."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from tools.sql.parse import Node
from tools.sql.render import type_sql


def is_plain_column(node: Node) -> bool:
    """Whether an expression is a column and nothing else."""
    return isinstance(node, exp.Column)


def casts_to(node: Node, type_text: str, dialect: str) -> bool:
    """Whether the outermost operation is a cast to that type."""
    if not isinstance(node, exp.Cast) or isinstance(node, exp.TryCast):
        return False
    return type_sql(node.to.sql(dialect), dialect, dialect) == type_text


def is_count(node: Node) -> bool:
    """Whether an expression is a plain count, which is a bigint everywhere."""
    return isinstance(node, exp.Count)


def retable(node: Node, names: Mapping[str, str]) -> Node:
    """The expression with tables renamed; an empty new name drops the qualifier."""
    lower = {alias.lower(): name for alias, name in names.items()}

    def swap(part: Node) -> Node:
        if isinstance(part, exp.Column) and part.table.lower() in lower:
            name = lower[part.table.lower()]
            table = exp.to_identifier(name, quoted=False) if name else None
            return exp.Column(this=part.this.copy(), table=table)
        return part

    return node.copy().transform(swap)


def parenthesised(node: Node) -> Node:
    """The expression so that it can stand anywhere: in parentheses unless it is one call."""
    return node if isinstance(node, exp.Column | exp.Func | exp.Literal) else exp.Paren(this=node)
