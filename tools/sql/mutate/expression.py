"""The faults of one expression, without a query around it."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp

from tools.sql.equivalent.facts import Column, Declared
from tools.sql.mutate.change import applied
from tools.sql.mutate.query import Query
from tools.sql.mutate.registry import registered
from tools.sql.parse import Node

_ROWS = "rows_of_it"


def faults_of(tree: Node, kinds: Mapping[str, str]) -> tuple[Node, ...]:
    """An expression with one fault each, every form once.

    Args:
        tree: over bare columns, without subqueries.
        kinds: the DuckDB type of each of its columns.
    """
    select = exp.select(exp.alias_(tree.copy(), "it")).from_(_ROWS)
    columns = tuple(Column(name, kind) for name, kind in kinds.items())
    query = Query(select, {_ROWS: Declared(columns)})
    found: dict[Node, None] = {}
    for operator in registered().values():
        for change in list(operator.changes(query)):
            with applied(change):
                items = select.expressions
                if len(items) == 1:
                    found.setdefault(items[0].unalias().copy())
    found.pop(tree, None)
    return tuple(found)
