"""What can be said of a query without running it: its output, and columns that nothing has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, traverse_scope
from sqlglot.schema import MappingSchema

from tools.sql.analyse import ColumnRef, columns_in
from tools.sql.audit import line_of
from tools.sql.parse import Node, SqlError, parse_query
from tools.sql.template import VALUE

Tables = Mapping[str, Sequence[tuple[str, str | None]]]
"""Columns by table: (name, type or None). A table that is not named is taken as it comes."""


@dataclass(frozen=True)
class Missing:
    """A column that is read from a table which does not have it.

    Args:
        column: as it is written.
        table: whose it would have to be, empty when it has no qualifier.
        line: in the text, from 1; 0 is unknown.
        known: the columns that are there.
    """

    column: str
    table: str
    line: int
    known: tuple[str, ...]


@dataclass(frozen=True)
class Outline:
    """The output columns of a query with their types where those are certain, and what it lacks.

    ``complete`` is False when a star over an unknown table hides some columns.
    """

    columns: tuple[tuple[str, str | None], ...]
    complete: bool
    missing: tuple[Missing, ...]


def outline(text: str, dialect: str, tables: Tables) -> Outline:
    """Reads one query.

    Args:
        text: the query, Jinja taken out by :mod:`tools.sql.template`.
        dialect: of the text and of the types.
        tables: the columns of the tables that it may read.

    Raises:
        SqlError: when it is not one query.
    """
    tree = parse_query(text, dialect)
    schema = MappingSchema(
        {t.lower(): {c: k or "unknown" for c, k in cols} for t, cols in tables.items() if cols},
        dialect=dialect,
    )
    known = {t.lower(): tuple(c for c, _ in cols) for t, cols in tables.items() if cols}
    try:
        missing = tuple(_missing(tree, known))
    except (SqlglotError, RecursionError) as error:
        raise SqlError(f"cannot be read: {str(error).splitlines()[0]}") from error
    if missing:
        return Outline(_names(tree), not _starred(tree), missing)
    try:
        full = qualify(
            tree.copy(), schema=schema, dialect=dialect,
            validate_qualify_columns=False, quote_identifiers=False, identify=False,
        )  # fmt: skip
        typed = annotate_types(full, schema=schema, dialect=dialect)
    except (SqlglotError, RecursionError, KeyError, TypeError, ValueError):
        return Outline(_names(tree), not _starred(tree), ())
    return Outline(tuple(_typed(typed, dialect)), not _starred(typed), ())


def _names(tree: Node) -> tuple[tuple[str, str | None], ...]:
    if not isinstance(tree, exp.Query):
        raise SqlError("is not a query")
    return tuple((name, None) for name in tree.named_selects)


def _starred(tree: Node) -> bool:
    return isinstance(tree, exp.Query) and any(s.is_star for s in tree.selects)


def _typed(tree: Node, dialect: str) -> Iterator[tuple[str, str | None]]:
    if not isinstance(tree, exp.Query):
        return
    for item in tree.selects:
        inner = item.unalias()
        kind = inner.type
        certain = isinstance(inner, exp.Cast | exp.Column) and kind is not None
        unknown = kind is None or kind.this in (exp.DataType.Type.UNKNOWN, exp.DataType.Type.NULL)
        yield item.alias_or_name, kind.sql(dialect) if certain and kind and not unknown else None


def _missing(tree: Node, known: Mapping[str, tuple[str, ...]]) -> Iterator[Missing]:
    for scope in traverse_scope(tree):
        sources = {a: _columns_of(s, known) for a, s in scope.sources.items()}
        direct = {a: c for a, c in sources.items() if a in scope.selected_sources}
        names = _aliases(scope)
        for column in scope.columns:
            name = column.name
            if name == VALUE or isinstance(column.this, exp.Star) or not name:
                continue
            if column.find_ancestor(exp.Lambda, exp.Pivot):
                continue
            if column.table:
                have = next(
                    (c for a, c in sources.items() if a.lower() == column.table.lower()), None
                )
                if have is not None and name.lower() not in {c.lower() for c in have}:
                    yield Missing(name, column.table, line_of(column), have)
            elif not scope.is_correlated_subquery and all(c is not None for c in direct.values()):
                have = tuple(c for cols in direct.values() for c in cols or ())
                if direct and name.lower() not in {c.lower() for c in have} | names:
                    yield Missing(name, "", line_of(column), have)


def _aliases(scope: Scope) -> set[str]:
    """Names that a select gives, which DuckDB lets later clauses use, and its table names."""
    named = {s.alias.lower() for s in getattr(scope.expression, "selects", []) if s.alias}
    return named | {a.lower() for a in scope.sources}


def _columns_of(
    source: exp.Table | Scope, known: Mapping[str, tuple[str, ...]]
) -> tuple[str, ...] | None:
    """The columns of a relation, or None when they are not known."""
    if isinstance(source, exp.Table):
        return known.get(source.name.lower())
    query = source.expression
    if not isinstance(query, exp.Query) or isinstance(query, exp.UDTF) or source.is_udtf:
        return None
    if not query.is_star:
        return tuple(query.named_selects)
    return _starred_columns(source, known)


def _starred_columns(scope: Scope, known: Mapping[str, tuple[str, ...]]) -> tuple[str, ...] | None:
    found: list[str] = []
    for item in getattr(scope.expression, "selects", []):
        if not item.is_star:
            found.append(item.alias_or_name)
            continue
        table = item.table if isinstance(item, exp.Column) else ""
        star = item.this if isinstance(item, exp.Column) else item
        if star.args.get("except_") or star.args.get("rename") or star.args.get("replace"):
            return None
        for alias, source in scope.sources.items():
            if alias not in scope.selected_sources or (table and alias.lower() != table.lower()):
                continue
            columns = _columns_of(source, known)
            if columns is None:
                return None
            found.extend(columns)
    return tuple(found)


def same_type(left: str, right: str, dialect: str) -> bool:
    """Whether two type texts mean the same type; unreadable ones are taken as the same."""
    try:
        return exp.DataType.build(left, dialect=dialect) == exp.DataType.build(
            right, dialect=dialect
        )
    except (SqlglotError, ValueError):
        return True


def compared_literals(node: Node) -> tuple[tuple[ColumnRef, str], ...]:
    """The texts that single columns are compared to: ``=``, ``<>``, ``in``, ``case x when``."""
    found: list[tuple[ColumnRef, str]] = []

    def pair(side: Node, others: Sequence[Node | None]) -> None:
        refs = () if isinstance(side.unnest(), exp.Case) else columns_in(side)
        texts = [o.this for o in others if isinstance(o, exp.Literal) and o.is_string]
        if len(refs) == 1:
            found.extend((refs[0], t) for t in texts)

    for part in node.walk():
        if isinstance(part, exp.EQ | exp.NEQ):
            pair(part.left, [part.right])
            pair(part.right, [part.left])
        elif isinstance(part, exp.In):
            pair(part.this, part.expressions)
        elif isinstance(part, exp.Case) and part.this is not None:
            pair(part.this, [i.this for i in part.args.get("ifs") or []])
    return tuple(dict.fromkeys(found))
