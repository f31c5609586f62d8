"""The type of an expression as DuckDB itself says, when it is given the types of its columns."""

from __future__ import annotations

import threading
from functools import cache, lru_cache

import duckdb
from sqlglot import exp

from tools.sql.equivalent.types import Lookup, normal
from tools.sql.parse import Node

_LOCK = threading.Lock()


def bound_type(node: Node, lookup: Lookup) -> str | None:
    """The type, lower case; None where a column's type is not known, or it does not bind.

    The type of a query's column does not depend on its rows, so NULLs of the columns' types stand
    for them.

    Args:
        node: the expression; it may be an aggregate or a window function.
        lookup: gives the types of columns.
    """
    if node.find(exp.Query, exp.Star, exp.Parameter, exp.Placeholder):
        return None
    kinds = [lookup(column) for column in node.find_all(exp.Column)]
    tree = exp.Paren(this=node.copy())
    for column, kind in zip(list(tree.find_all(exp.Column)), kinds, strict=True):
        if kind is None:
            return None
        column.replace(exp.cast(exp.null(), exp.DataType.build(kind, dialect="duckdb")))
    return _described(tree.sql("duckdb", comments=False))


@lru_cache(maxsize=4096)
def _described(sql: str) -> str | None:
    with _LOCK:
        try:
            rows = _connection().execute(f"describe select {sql} as it").fetchall()
        except duckdb.Error:
            return None
    return normal(str(rows[0][1]))


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:", config={"threads": 1, "autoinstall_known_extensions": False})
