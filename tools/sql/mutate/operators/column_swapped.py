"""A column is another one of its type.

Stands for: ``created_at`` for ``updated_at``, ``net`` for ``gross``, the key of the other table
after a join: what type checks, tests of uniqueness and the eye let pass.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tools.sql.equivalent.scope import Scope
from tools.sql.mutate.change import Change, swap, text
from tools.sql.mutate.query import Query
from tools.sql.parse import Node

NAME = "column_swapped"


def changes(query: Query) -> Iterator[Change]:
    """Every column as the next one of its type in its own table, and as its like in another."""
    for column in query.all(exp.Column):
        scope = query.scope(column)
        if scope is None or isinstance(column.this, exp.Star) or column.find_ancestor(exp.Lambda):
            continue
        for by in _others(scope, column):
            yield Change(column, f"{text(column)} becomes {text(by)}", (swap(column, by),))


def _others(scope: Scope, column: exp.Column) -> Iterator[Node]:
    owner = scope.resolve(column)
    if owner is None or owner[1].type is None:
        return
    source, output = owner
    own = [c for c in source.relation.columns if c.type == output.type]
    at = next(i for i, c in enumerate(own) if c.name == output.name)
    if len(own) > 1:
        yield _column(own[(at + 1) % len(own)].name, column.table)
    for other in scope.sources:
        if other.alias == source.alias or other.hidden:
            continue
        alike = [c for c in other.relation.columns if c.type == output.type]
        named = [c for c in alike if c.name.lower() == output.name.lower()]
        if named or alike:
            yield _column((named or alike)[0].name, other.alias)
            return


def _column(name: str, table: str) -> Node:
    return exp.column(exp.to_identifier(name), table=exp.to_identifier(table) if table else None)
