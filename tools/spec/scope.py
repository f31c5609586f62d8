"""What a model can see and what comes out of it: relations by alias, columns with their types."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from tools.spec.model import Spec
from tools.spec.source import Source, SourceTable
from tools.spec.transform import Join, Measure, Model, OutputColumn
from tools.sql.analyse import ColumnRef, columns_in, rename
from tools.sql.infer import infer_type
from tools.sql.parse import Node, SqlError, column, parse_expression
from tools.sql.render import type_sql

NO_OTHERS: Final[Mapping[str, Spec]] = {}
_MAX_DEPTH = 200
_MAX_KEPT = 10_000


class _Same:
    """Equal to what wraps the same object, so that specs, which have no hash, can be keys."""

    __slots__ = ("value",)

    def __init__(self, value: object) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)


_Key = tuple[_Same, _Same, _Same]
_kept: dict[_Key, tuple[Col, ...]] = {}
_running: set[_Key] = set()


@dataclass(frozen=True)
class Col:
    """A column; ``type`` is in the dialect of the spec that looks, None where it is not known.

    An ``inferred`` type follows from the expression as far as one can tell; the database may give
    a wider one, so it is never cast to and never promised in a contract.
    """

    name: str
    type: str | None = None
    nullable: bool = True
    pii: bool = False
    description: str = ""
    inferred: bool = False


@dataclass(frozen=True)
class Relation:
    """What an alias stands for; ``known`` is False when its columns are not declared anywhere."""

    alias: str
    ref: str
    columns: tuple[Col, ...]
    known: bool
    source: tuple[Source, SourceTable] | None = None

    def column(self, name: str) -> Col | None:
        """The column of that name, compared without case."""
        return next((c for c in self.columns if c.name.lower() == name.lower()), None)


def relation(spec: Spec, ref: str, alias: str, others: Mapping[str, Spec] = NO_OTHERS) -> Relation:
    """The table that a reference names; not known (and empty) when nothing declares it."""
    return _relation(spec, ref, alias, others)


def _relation(spec: Spec, ref: str, alias: str, others: Mapping[str, Spec]) -> Relation:
    found = spec.source_table(ref)
    if found is not None:
        columns = tuple(
            Col(c.name, c.type, c.nullable, c.pii, c.description) for c in found[1].columns
        )
        return Relation(alias, ref, columns, bool(columns), found)
    model = spec.model_named(ref)
    if model is not None:
        columns = _table_columns(spec, model, others)
        return Relation(alias, ref, columns, bool(columns))
    owner = others.get(ref)
    if owner is not None and owner is not spec:
        elsewhere = owner.model_named(ref)
        if elsewhere is not None:
            columns = _table_columns(owner, elsewhere, others)
            return Relation(alias, ref, columns, bool(columns))
    return Relation(alias, ref, (), False)


def relations(
    spec: Spec, model: Model, others: Mapping[str, Spec] = NO_OTHERS
) -> dict[str, Relation]:
    """The relations in scope by alias: ``from`` first, then the joins in order.

    A pre-aggregated join shows its keys and measures, not the columns of its table.
    """
    return _relations(spec, model, others)


def _relations(spec: Spec, model: Model, others: Mapping[str, Spec]) -> dict[str, Relation]:
    found = {model.alias: _relation(spec, model.from_, model.alias, others)}
    for join in model.joins:
        base = _relation(spec, join.to, join.alias, others)
        found[join.alias] = _aggregated(spec, join, base) if join.aggregate else base
    return found


def _aggregated(spec: Spec, join: Join, base: Relation) -> Relation:
    assert join.aggregate is not None  # noqa: S101  the caller has checked; this is for the type checker
    keys = tuple(base.column(k) or Col(k) for k in join.aggregate.by)
    measures = tuple(measure_column(spec, m, {base.alias: base}) for m in join.aggregate.columns)
    return replace(base, columns=(*keys, *measures), known=True)


def qualify(node: Node, scope: Mapping[str, Relation], home: str) -> Node:
    """The expression with every bare column given its table.

    A bare name belongs to the one relation that has it; to ``home`` when that has it too, or
    when nothing has it and the columns of ``home`` are not known.
    """
    names: dict[ColumnRef, Node] = {}
    for ref in columns_in(node):
        if ref.table is not None:
            continue
        owners = [alias for alias, rel in scope.items() if rel.column(ref.name)]
        table = home if home in owners or not owners else owners[0]
        names[ref] = column(ref.name, table)
    return rename(node, names) if names else node


def parse_in_scope(spec: Spec, text: str, scope: Mapping[str, Relation], home: str) -> Node:
    """An expression of the spec as a tree, columns qualified; ``{column}`` is one of ``home``.

    Raises:
        SqlError: when it does not parse.
    """
    marks = _marks(text, scope.get(home), home)
    return qualify(parse_expression(text, spec.dialect, marks), scope, home)


def _marks(text: str, base: Relation | None, home: str) -> dict[str, Node]:
    """What ``{column}`` stands for; most expressions hold no placeholder, and need none."""
    if base is None or "{" not in text:
        return {}
    return {c.name: column(c.name, home) for c in base.columns}


def expression_of(
    spec: Spec, model: Model, output: OutputColumn, others: Mapping[str, Spec] = NO_OTHERS
) -> Node:
    """The tree of an output column: ``{from}`` and ``{column}`` put in, columns qualified.

    Raises:
        SqlError: when the expression does not parse.
    """
    return _expression(spec, model.alias, output, relations(spec, model, others))


def _expression(spec: Spec, home: str, output: OutputColumn, scope: Mapping[str, Relation]) -> Node:
    table, _, name = (output.from_ or output.name).rpartition(".")
    origin = column(name, table) if table else qualify(column(name), scope, home)
    if output.expr is None:
        return origin
    marks = _marks(output.expr, scope.get(home), home)
    marks["from"] = origin
    return qualify(parse_expression(output.expr, spec.dialect, marks), scope, home)


def _types(scope: Mapping[str, Relation]) -> dict[ColumnRef, str]:
    return {
        ColumnRef(c.name, alias): c.type
        for alias, rel in scope.items()
        for c in rel.columns
        if c.type is not None
    }


def measure_column(spec: Spec, measure: Measure, scope: Mapping[str, Relation]) -> Col:
    """The column that a measure makes; its type is inferred when it is not declared."""
    kind = measure.type
    if kind is None and scope:
        try:
            tree = parse_in_scope(spec, measure.expr, scope, next(iter(scope)))
            kind = infer_type(tree, _types(scope), spec.dialect)
        except SqlError:
            kind = None
    guessed = measure.type is None
    return Col(measure.name, kind, measure.nullable, measure.pii, measure.description, guessed)


def _output(spec: Spec, model: Model, output: OutputColumn, scope: Mapping[str, Relation]) -> Col:
    try:
        tree = _expression(spec, model.alias, output, scope)
    except SqlError:
        return Col(output.name, output.type, output.nullable, output.pii, output.description)
    refs = columns_in(tree)
    origin = None
    if output.expr is None and len(refs) == 1:
        rel = scope.get(refs[0].table or model.alias)
        origin = rel.column(refs[0].name) if rel else None
    kind = output.type or (origin.type if origin else infer_type(tree, _types(scope), spec.dialect))
    pii = output.pii or bool(origin and origin.pii)
    described = output.description or (origin.description if origin else "")
    guessed = output.type is None and (origin.inferred if origin else True)
    return Col(output.name, kind, output.nullable, pii, described, guessed)


def outputs(spec: Spec, model: Model, others: Mapping[str, Spec] = NO_OTHERS) -> tuple[Col, ...]:
    """The business columns of a model, in order.

    Grouped: group keys, aggregations, then ``columns``. Otherwise ``columns``, or without any,
    the columns of ``from`` less what only describes the extract (load time, operation).
    """
    return _outputs(spec, model, others)


def _outputs(spec: Spec, model: Model, others: Mapping[str, Spec]) -> tuple[Col, ...]:
    scope = _relations(spec, model, others)
    declared = tuple(_output(spec, model, c, scope) for c in model.columns)
    if model.is_aggregate:
        rows = {a: r for a, r in scope.items() if a not in _after_group(model)}
        keys = tuple(group_key(key, rows, model.alias) for key in model.group_by)
        measures = tuple(measure_column(spec, m, rows) for m in model.aggregations)
        named = {c.name.lower() for c in declared}
        return (*(k for k in keys if k.name.lower() not in named), *measures, *declared)
    if declared:
        return declared
    base = scope[model.alias]
    return tuple(c for c in base.columns if c.name not in passing_only(model, base))


def passing_only(model: Model, base: Relation) -> frozenset[str]:
    """Columns of a source table that describe the extract, not the thing."""
    if base.source is None or model.layer == "staging":
        return frozenset()
    table = base.source[1]
    marks = {table.loaded_at, table.operation.column if table.operation else None}
    return frozenset(m for m in marks if m)


def _after_group(model: Model) -> frozenset[str]:
    return frozenset(j.alias for j in model.joins if j.after_group_by)


def group_key(key: str, scope: Mapping[str, Relation], home: str) -> Col:
    """The output column of a ``group_by`` item: ``column`` or ``alias.column``."""
    table, _, name = key.rpartition(".")
    candidates = [table] if table else [home, *(a for a in scope if a != home)]
    for alias in candidates:
        found = scope[alias].column(name) if alias in scope else None
        if found is not None:
            return found
    return Col(name)


def table_columns(
    spec: Spec, model: Model, others: Mapping[str, Spec] = NO_OTHERS
) -> tuple[Col, ...]:
    """The columns of the table that a model makes: its outputs and what its load adds."""
    return _table_columns(spec, model, others)


def _table_columns(spec: Spec, model: Model, others: Mapping[str, Spec]) -> tuple[Col, ...]:
    """Kept by identity (specs do not change): models that share what they read would otherwise
    be worked out again for each way that leads to them, which grows exponentially."""
    key = (_Same(spec), _Same(model), _Same(others))
    found = _kept.get(key)
    if found is not None:
        return found
    if key in _running or len(_running) >= _MAX_DEPTH:
        return ()  # a cycle, which lint reports, or too deep to follow
    _running.add(key)
    try:
        found = _worked_out(spec, model, others)
    finally:
        _running.discard(key)
    if len(_kept) >= _MAX_KEPT:
        _kept.clear()
    _kept[key] = found
    return found


def _worked_out(spec: Spec, model: Model, others: Mapping[str, Spec]) -> tuple[Col, ...]:
    business = _outputs(spec, model, others)
    if model.load.strategy != "scd2":
        return business
    load = model.load
    scope = _relations(spec, model, others)
    moment = effective_type(spec, model, business, scope)
    return (
        Col(surrogate_key(model), "varchar", nullable=False, description="Hash of key and start."),
        *business,
        Col(load.valid_from, moment, nullable=False, description="Start of the version."),
        Col(
            load.valid_to, moment, description="End of the version, exclusive; NULL while current."
        ),
        Col(
            load.is_current, "boolean", nullable=False, description="Whether it is the current one."
        ),
    )


def surrogate_key(model: Model) -> str:
    """The name of an scd2 model's surrogate key column."""
    return model.load.surrogate_key or f"{model.name}_key"


def effective_type(
    spec: Spec, model: Model, business: tuple[Col, ...], scope: Mapping[str, Relation]
) -> str:
    """The type of the moment at which a change takes effect, in the spec's dialect.

    The moment of a load has no time zone, whatever the dialect calls such a type.
    """
    name = model.load.effective_at or ""
    found = next((c for c in business if c.name.lower() == name.lower()), None)
    found = found or scope[model.alias].column(name)
    return found.type if found and found.type else type_sql("timestamp", "duckdb", spec.dialect)
