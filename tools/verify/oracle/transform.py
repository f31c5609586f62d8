"""A model's rows from the rows that it reads: the transformation, without what its load does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tools.spec.model import Spec
from tools.spec.transform import Model, OutputColumn
from tools.sql.analyse import ColumnRef
from tools.sql.parse import Node, SqlError, column
from tools.verify.dataset import Dataset, Row, Table, kind_of
from tools.verify.oracle.engine import CannotEvaluate, Engine, column_name
from tools.verify.oracle.frame import Frame, Slot, bind, parse
from tools.verify.oracle.groups import aggregate, having
from tools.verify.oracle.joins import differ, join_rows, slots_used
from tools.verify.oracle.order import first_rows, order_item
from tools.verify.oracle.reading import Lookup, Reading, Used, names_used
from tools.verify.oracle.types import untyped

NO_OTHERS: Mapping[str, Spec] = {}


@dataclass(frozen=True)
class Extra:
    """A value that the load looks at, shown or not.

    Args:
        name: what it is called in the result.
        text: the name of an output, else of a column of ``from``; or a condition over ``from``.
        is_condition: which of the two.
    """

    name: str
    text: str
    is_condition: bool = False


@dataclass(frozen=True)
class Result:
    """What the spec says comes out.

    Args:
        table: the rows.
        undetermined: what the spec leaves open for these rows, in words; then other rows could
            be as right, and a difference shows nothing.
        failed: why there are no rows at all; empty when there are.
        untyped: columns that the spec declares no type for: their values count, not which type
            of number holds them.
    """

    table: Table
    undetermined: tuple[str, ...] = ()
    failed: str = ""
    untyped: tuple[str, ...] = ()


def evaluate(
    spec: Spec,
    model: Model,
    dataset: Dataset,
    others: Mapping[str, Spec] = NO_OTHERS,
    *,
    engine: Engine | None = None,
    extras: Sequence[Extra] = (),
) -> Result:
    """The rows that a model's transformation gives, before they are loaded.

    Args:
        spec: whose model it is.
        model: the model.
        dataset: the tables that it reads, models among them; a source table that is not there
            counts as empty.
        others: models of other specs by name; only says who made a table that is missing.
        engine: to ask for values; one is made and closed if not given.
        extras: further columns that a load looks at, after the others.

    Raises:
        CannotEvaluate: an expression has no value for some row, or a table is missing.
    """
    if engine is None:
        with Engine() as own:
            return evaluate(spec, model, dataset, others, engine=own, extras=extras)
    reading = Reading(spec, model, _lookup(spec, dataset, others, engine), engine)
    try:
        table = _table(reading, extras)
    except CannotEvaluate as error:
        raise CannotEvaluate(f"{model.name}: {error.message}", error.remedy) from error
    for rule in model.rules:
        reading.doubt(f"a rule in prose decides: {rule}")
    return Result(table, tuple(reading.doubts), untyped=untyped(spec, model, others))


def _lookup(spec: Spec, dataset: Dataset, others: Mapping[str, Spec], engine: Engine) -> Lookup:
    def lookup(reference: str) -> Table:
        given = dataset.table(reference)
        found = spec.source_table(reference)
        if found is None:
            if given is None:
                owner = others.get(reference)
                maker = f"{owner.pipeline} makes it" if owner else "no spec declares it"
                raise CannotEvaluate(f"there are no rows of {reference} ({maker})", "give them")
            return given
        declared = tuple((c.name, kind_of(c.type, spec.dialect)) for c in found[1].columns)
        if given is None or not declared:
            return given or Table(declared)
        return _as_declared(reference, given, declared, engine)

    return lookup


def _as_declared(
    reference: str, given: Table, declared: tuple[tuple[str, str], ...], engine: Engine
) -> Table:
    """A source table with the columns that the spec declares, in their types."""
    indexes = [given.index(name) for name, _ in declared]
    missing = [name for (name, _), i in zip(declared, indexes, strict=True) if i is None]
    if missing:
        names = ", ".join(missing)
        raise CannotEvaluate(f"the rows of {reference} lack {names}", "give these columns")
    chosen = [i for i in indexes if i is not None]
    rows: Sequence[Row] = [tuple(row[i] for i in chosen) for row in given.rows]
    kinds = [given.columns[i][1] for i in chosen]
    wanted = [kind for _, kind in declared]
    if kinds != wanted:
        casts = [f"cast({column_name(i)} as {kind})" for i, kind in enumerate(wanted)]
        rows, _ = engine.scalars(kinds, rows, casts, "duckdb")
    return Table(declared, tuple(rows))


def _table(reading: Reading, extras: Sequence[Extra]) -> Table:
    """The steps of :mod:`tools.spec.transform`, in their order."""
    model = reading.model
    if model.custom is not None and (model.custom.sql_file or model.custom.macro):
        raise CannotEvaluate("people wrote its code", "the spec does not say what it gives")
    frame = Frame.of(reading.lookup(model.from_), reading.home)
    used = _used(reading, frame, extras)
    for join in model.joins:
        if not join.after_group_by:
            frame = join_rows(reading, frame, join, used)
    frame = _after_joins(reading, frame, after_group_by=False)
    if model.where is not None:
        frame = reading.true_for(model.where, frame)
    if model.dedupe is not None:
        frame = _dedupe(reading, frame, used)
    if model.is_aggregate:
        rows = frame
        frame = aggregate(reading, rows, reading.home, model.group_by, model.aggregations)
        if model.having is not None:
            frame = having(reading, rows, frame, model.having)
        grouped = len(model.group_by) + len(model.aggregations)
        for join in model.joins:
            if join.after_group_by:
                frame = join_rows(reading, frame, join, used)
        frame = _after_joins(reading, frame, after_group_by=True)
        return _columns(reading, frame, frame.slots[:grouped], extras)
    shown = () if model.columns else _all_columns(reading, frame)
    return _columns(reading, frame, shown, extras)


def _used(reading: Reading, frame: Frame, extras: Sequence[Extra]) -> Used:
    """What the model looks at after its joins; everything of ``from`` if it shows all of that."""
    model = reading.model
    tables = [reading.lookup(j.to) for j in model.joins]
    measures = [m.name for j in model.joins if j.aggregate for m in j.aggregate.columns]
    names = [s.name for s in frame.slots] + [n for t in tables for n in t.names] + measures
    names += [m.name for m in model.aggregations]
    looked_at = [e.text for e in extras if not e.is_condition]
    if (not model.columns and not model.is_aggregate) or any(e.is_condition for e in extras):
        looked_at += [f"{reading.home}.{s.name}" for s in frame.slots]
    return names_used(reading, names, looked_at)


def _after_joins(reading: Reading, frame: Frame, *, after_group_by: bool) -> Frame:
    for join in reading.model.joins:
        late = join.filter_at == "after_join" and join.after_group_by == after_group_by
        if join.filter is not None and late:
            frame = reading.true_for(join.filter, frame, join.alias)
    return frame


def _dedupe(reading: Reading, frame: Frame, used: Used) -> Frame:
    dedupe = reading.model.dedupe
    assert dedupe is not None  # noqa: S101  the caller has checked; this is for the type checker
    dialect, home = reading.spec.dialect, reading.home
    by = [frame.named(name, home) for name in dedupe.by]
    order = [order_item(text, dialect, frame, home) for text in dedupe.order_by]
    chosen = first_rows(reading.engine, frame, by, order, dialect)
    looked_at = slots_used(frame, used)
    if any(differ(frame, f.index, tie, looked_at) for f in chosen for tie in f.ties):
        reading.doubt(f"rows tie in the order of dedupe ({', '.join(dedupe.order_by)})")
    return frame.keeping(f.index for f in chosen)


def _all_columns(reading: Reading, frame: Frame) -> tuple[Slot, ...]:
    """The columns of ``from``, without those that describe the extract and not the thing."""
    found = reading.spec.source_table(reading.model.from_)
    own = tuple(s for s in frame.slots if s.alias == reading.home)
    if found is None or reading.model.layer == "staging":
        return own
    table = found[1]
    marks = {table.loaded_at, table.operation.column if table.operation else None}
    return tuple(s for s in own if s.name not in marks)


def _columns(
    reading: Reading, frame: Frame, shown: Sequence[Slot], extras: Sequence[Extra]
) -> Table:
    """The last step: what is shown as it is, then the columns, each in its type."""
    model, dialect = reading.model, reading.spec.dialect
    declared = {c.name.lower() for c in model.columns}
    plain = [s for s in shown if s.name.lower() not in declared]
    items: list[tuple[str, Node, str | None]] = [
        (s.name, column(column_name(frame.slots.index(s))), s.kind) for s in plain
    ]
    items += [(c.name, *_output(reading, frame, c)) for c in model.columns]
    shown_as = {name.lower(): (tree, kind) for name, tree, kind in items}
    for extra in extras:
        found = None if extra.is_condition else shown_as.get(extra.text.lower())
        items.append((extra.name, *(found or _extra(reading, frame, extra))))
    rows, kinds = reading.column_values(frame, [tree for _, tree, _ in items])
    wanted = [kind or found for (_, _, kind), found in zip(items, kinds, strict=True)]
    casts = [f"cast({column_name(i)} as {kind})" for i, kind in enumerate(wanted)]
    if wanted != kinds:
        rows, _ = reading.engine.scalars(kinds, rows, casts, dialect)
    names = [name for name, _, _ in items]
    return Table(tuple(zip(names, wanted, strict=True)), tuple(rows))


def _output(reading: Reading, frame: Frame, output: OutputColumn) -> tuple[Node, str | None]:
    """The expression of a column and its type, None when only its value says that."""
    dialect = reading.spec.dialect
    alias, _, name = (output.from_ or output.name).rpartition(".")
    origin = ColumnRef(name, alias or None)
    try:
        kind = kind_of(output.type, dialect) if output.type else None
    except SqlError as error:
        raise CannotEvaluate(
            f"{output.name}: {error.message}", f"name a type of {dialect}"
        ) from error
    if output.expr is None:
        index = frame.find(name, alias or None, reading.home)
        return column(column_name(index)), kind or frame.slots[index].kind
    return parse(output.expr, dialect, frame, reading.home, origin), kind


def _extra(reading: Reading, frame: Frame, extra: Extra) -> tuple[Node, str | None]:
    if extra.is_condition:
        return reading.parse(extra.text, frame), "boolean"
    return bind(column(extra.text), frame, reading.home), None
