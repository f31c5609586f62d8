"""The columns that a spec itself lets us know of a source table that nothing else describes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from tools.spec.model import Spec
from tools.spec.readings import Reading
from tools.spec.source import Column, Source, SourceTable
from tools.spec.transform import Join, Model
from tools.sql.analyse import ColumnRef, columns_in, equalities
from tools.sql.parse import Node, SqlError, column, parse_expression
from tools.sql.render import type_sql

LOADED_AT = "_loaded_at"
"""The load timestamp that an extract is given where the source has none."""

_ARITHMETIC = ("add", "sub", "mul", "div", "sum", "avg")
_COMPARISONS = ("eq", "neq", "gt", "gte", "lt", "lte")
_KEEPING = ("max", "min", "anyvalue", "column", "lower", "upper", "trim")
_NUMBER = "decimal(38, 9)"

# Columns that a system puts into every table, as its own documentation says:
# name, DuckDB type, nullable, what it is for.
_CONVENTIONS: dict[str, tuple[tuple[str, str, bool, str], ...]] = {
    "salesforce": (
        ("Id", "varchar", False, "key"),
        ("CreatedDate", "timestamp", False, ""),
        ("LastModifiedDate", "timestamp", False, ""),
        ("SystemModstamp", "timestamp", False, "cursor"),
    ),
}


@dataclass
class _Known:
    """Columns in the order in which they were met; the first type that is sure stays."""

    types: dict[str, str | None] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, kind: str | None = None) -> None:
        key = name.lower()
        self.names.setdefault(key, name)
        self.types[key] = self.types.get(key) or kind


def assume(spec: Spec, source: Source, table: SourceTable, key: tuple[str, ...]) -> Reading:
    """Key columns, the columns that models name, a system's conventions, the load timestamp.

    Args:
        spec: the spec.
        source: the source of the table.
        table: a table without columns.
        key: the key that the models of the table have.
    """
    known = _Known()
    conventions = _CONVENTIONS.get(source.system.lower(), ())
    primary = tuple(table.primary_key) or key or keys_by_convention(source)
    for name in primary:
        known.add(name)
    for name, kind, _, _ in conventions:
        known.add(name, kind)
    for name in _named_by_table(table):
        known.add(name, "timestamp" if name in (table.cursor, table.loaded_at) else None)
    reference = f"{source.name}.{table.name}"
    for model in spec.models:
        _add_from_model(known, spec, model, reference)
    _borrow_types(known, spec, reference)
    required = {*primary, *(name for name, _, nullable, _ in conventions if not nullable)}
    load_time = table.loaded_at or LOADED_AT
    columns = [
        Column(
            name=name,
            type=_in_dialect(known.types[lower] or "varchar", spec.dialect),
            nullable=name not in required,
        )
        for lower, name in known.names.items()
        if lower != load_time.lower()
    ]
    columns.append(load_column(load_time, spec.dialect))
    return Reading(tuple(columns), primary, "assumed")


def load_column(name: str, dialect: str) -> Column:
    """The column that says when a row was loaded."""
    kind = type_sql("timestamp", "duckdb", dialect)
    return Column(name=name, type=kind, nullable=False, description="When the row was loaded.")


def keys_by_convention(source: Source) -> tuple[str, ...]:
    """The key that every table of a system has, if its documentation says so."""
    return tuple(n for n, _, _, use in _CONVENTIONS.get(source.system.lower(), ()) if use == "key")


def cursor_by_convention(source: Source) -> str | None:
    """The column of a system's tables that moves with every change."""
    found = (n for n, _, _, use in _CONVENTIONS.get(source.system.lower(), ()) if use == "cursor")
    return next(found, None)


def _borrow_types(known: _Known, spec: Spec, reference: str) -> None:
    """Columns without a type take that of the column that they are joined to, or of a namesake."""
    elsewhere: dict[str, str] = {}
    for source in spec.sources:
        for table in source.tables:
            for declared in table.columns:
                elsewhere.setdefault(declared.name.lower(), declared.type)
    for model in spec.models:
        for output in model.columns:
            if output.type and not output.expr:
                elsewhere.setdefault(output.name.lower(), output.type)
    for mine, theirs in _joined_columns(spec, reference):
        if mine.lower() not in elsewhere and theirs.lower() in elsewhere:
            elsewhere[mine.lower()] = elsewhere[theirs.lower()]
    for name, kind in known.types.items():
        known.types[name] = kind or elsewhere.get(name)


def _joined_columns(spec: Spec, reference: str) -> Iterator[tuple[str, str]]:
    """Pairs of columns that joins set equal: one of the table, one of another."""
    for model in spec.models:
        for join in model.joins:
            if join.on is None or reference not in (join.to, model.from_):
                continue
            alias = join.alias if join.to == reference else model.alias
            try:
                tree = parse_expression(join.on, spec.dialect, _Marks())
            except SqlError:
                continue  # lint says so, with the place
            for pair in equalities(tree):
                yield from (
                    (mine.name, theirs.name)
                    for mine, theirs in (pair, pair[::-1])
                    if mine.table == alias != theirs.table
                )


def _in_dialect(kind: str, dialect: str) -> str:
    """A type in the dialect; one that a mapping declares is of it already, unless it is wrong."""
    for read in (dialect, "duckdb"):
        try:
            return type_sql(kind, read, dialect)
        except SqlError:
            continue  # lint names the column whose declared type is none
    return type_sql("varchar", "duckdb", dialect)


def _named_by_table(table: SourceTable) -> Iterator[str]:
    yield from table.primary_key
    yield from (name for name in (table.cursor, table.loaded_at) if name)
    if table.operation:
        yield table.operation.column


def _add_from_model(known: _Known, spec: Spec, model: Model, reference: str) -> None:
    """The columns of a table that a model names, by any of the aliases it has there."""
    home = model.alias if model.from_ == reference else None
    joins = [j for j in model.joins if j.to == reference]
    made = {(j.alias, m.name) for j in joins if j.aggregate for m in j.aggregate.columns}
    aliases = {*([home] if home else []), *(j.alias for j in joins)}
    if not aliases:
        return
    _add_outputs(known, model, aliases, made)
    if home:
        _add_load(known, model)
    for join in joins:
        for name in _names_of_join(join):
            known.add(name)
    for said in _expressions(model, joins):
        for ref, kind in _columns_of(spec, said):
            table = ref.table or said.bare or model.alias
            if table in aliases and (ref.table, ref.name) not in made:
                known.add(ref.name, kind)


def _add_outputs(
    known: _Known, model: Model, aliases: set[str], made: set[tuple[str, str]]
) -> None:
    """The columns that outputs are; the type of one that passes unchanged is that of the output."""
    for output in model.columns:
        table, _, name = (output.from_ or output.name).rpartition(".")
        if (table, name) in made:
            continue
        if (table or model.alias) in aliases and (output.from_ or not output.expr):
            known.add(name, None if output.expr else output.type)


def _add_load(known: _Known, model: Model) -> None:
    for name in (*model.load.sequence_by, *model.load.track):
        known.add(name)
    for moment in (model.load.effective_at, model.load.cursor):
        if moment:
            known.add(moment, "timestamp")


def _names_of_join(join: Join) -> Iterator[str]:
    if join.pick:
        yield from join.pick.by
        yield from (item.split()[0].rpartition(".")[2] for item in join.pick.order_by)
    if join.aggregate:
        yield from join.aggregate.by


class _Said(NamedTuple):
    """An expression of a model.

    Attributes:
        text: the expression.
        bare: the alias that its bare columns have, if it is not that of the model's ``from``.
        origin: the column that ``{from}`` is.
        kind: the type that it has.
    """

    text: str
    bare: str | None = None
    origin: str | None = None
    kind: str | None = None


def _expressions(model: Model, joins: Iterable[Join]) -> Iterator[_Said]:
    for output in model.columns:
        if output.expr:
            yield _Said(output.expr, None, output.from_ or output.name, output.type)
    for measure in model.aggregations:
        yield _Said(measure.expr, None, None, measure.type)
    for text in (model.where, model.having, *(j.on for j in model.joins), *model.group_by):
        if text:
            yield _Said(text)
    for join in joins:
        if join.filter:
            yield _Said(join.filter, join.alias)
        for measure in join.aggregate.columns if join.aggregate else ():
            yield _Said(measure.expr, join.alias, None, measure.type)


class _Marks(dict[str, Node]):
    """Placeholders: ``{from}`` is the column given for it, any other name is that column."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> Node:
        return column(name)


def _columns_of(spec: Spec, said: _Said) -> Iterator[tuple[ColumnRef, str | None]]:
    """The columns that an expression names, and the type that it treats them as."""
    table, _, name = (said.origin or "").rpartition(".")
    marks = _Marks({"from": column(name, table or None)} if said.origin else {})
    try:
        tree = parse_expression(said.text, spec.dialect, marks)
    except SqlError:
        return  # lint says so, with the place
    numbers = {ref for part in tree.walk() if _is_number(part) for ref in columns_in(part)}
    same = tree.key in _KEEPING
    for ref in columns_in(tree):
        yield ref, _NUMBER if ref in numbers else said.kind if same else None


def _is_number(part: Node) -> bool:
    """Whether the columns under a part of an expression are calculated or compared as numbers."""
    if part.key in _COMPARISONS:
        children = list(part.iter_expressions())
        return all(child.key in ("column", "literal", "neg") for child in children) and any(
            child.key == "literal" and not child.is_string for child in children
        )
    return part.key in _ARITHMETIC
