"""Types of expressions, as far as they follow from the types of the columns."""

from __future__ import annotations

from collections.abc import Mapping

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.schema import MappingSchema

from tools.sql.analyse import ColumnRef
from tools.sql.parse import Node, SqlError, parse_query


def infer_type(node: Node, types: Mapping[ColumnRef, str], dialect: str) -> str | None:
    """The type of an expression in its dialect, or None where it does not follow.

    Args:
        node: the expression, its columns qualified as in ``types``.
        types: the types of the columns, in the same dialect.
        dialect: the dialect of the expression and the types.
    """
    tree = node.copy()
    schema: dict[str, dict[str, str]] = {}  # table -> column -> type
    for found in tree.find_all(exp.Column):
        known = types.get(ColumnRef(found.name, found.table or None))
        if known is None:
            return None
        schema.setdefault(found.table or "_", {})[found.name] = known
        if not found.table:
            found.set("table", exp.to_identifier("_"))
    tables = [exp.Table(this=exp.to_identifier(name)) for name in schema]
    query = exp.select(exp.alias_(tree, "value"))
    for at, table in enumerate(tables):
        query = query.from_(table) if at == 0 else query.join(table, join_type="cross")
    try:
        annotated = annotate_types(
            query, schema=MappingSchema({**schema}, dialect=dialect, normalize=False)
        )
        kind = annotated.selects[0].type
    except (SqlglotError, AttributeError, KeyError, TypeError):
        return None
    if kind is None or kind.this in (exp.DataType.Type.UNKNOWN, exp.DataType.Type.NULL):
        return None
    return str(kind.sql(dialect))


def parse_order(text: str, dialect: str) -> Node:
    """One ``order by`` item, such as ``updated_at desc``, as a tree.

    Raises:
        SqlError: when it is not one sortable expression.
    """
    query = parse_query(f"select 1 from t order by {text}", dialect)
    order = query.args.get("order")
    extra = [k for k in ("limit", "offset", "locks") if query.args.get(k)]
    if not isinstance(order, exp.Order) or len(order.expressions) != 1 or extra:
        raise SqlError(f"{text!r} is not one column to order by, such as updated_at desc")
    item = order.expressions[0]
    if item.find(exp.Query) is not None:
        raise SqlError(f"{text!r} holds a subquery")
    return item  # type: ignore[no-any-return]
