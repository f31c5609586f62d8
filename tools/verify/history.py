"""What has to be known of an scd2 model to change its source on purpose."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tools.spec.load import LoadedSpec
from tools.spec.model import Spec
from tools.spec.scope import outputs
from tools.spec.source import SourceTable
from tools.spec.transform import Model
from tools.sql.parse import SqlError, parse_expression
from tools.sql.static import compared_literals
from tools.verify.lineage import row_models, upstream_tables
from tools.verify.origins import Origin, Origins


@dataclass(frozen=True)
class Edit:
    """A source column whose change shows in a tracked output column.

    ``plain``: the output is the source column, so another value is a change for sure. ``alone``:
    the output is computed from this column and no other.
    """

    column: str
    output: str
    plain: bool
    alone: bool


@dataclass(frozen=True)
class Removal:
    """How a source row says that it is deleted: a column, its value then and otherwise."""

    column: str
    deleted: str
    alive: str


@dataclass(frozen=True)
class History:
    """An scd2 model and the source columns that drive it.

    Args:
        model: the model.
        source: ``source.table`` of the rows.
        table: that table.
        schema: the database schema of that table.
        key: source columns of the key, in the order of ``load.key``.
        effective: source column of the event time; None when a change counts as it is seen.
        sequence: source columns that order changes of one moment.
        edits: what can be changed; plain ones first.
        reads: every source table that the model reads, in lower case.
        removal: how a deletion looks, when rows carry it.
        by_absence: whether a missing row counts as deleted.
        shows_times: whether a tracked column shows when or in which order a row changed, so that
            an update which changes nothing else is a change.
        limits: why some properties do not apply, in words.
    """

    model: Model
    source: str
    table: SourceTable
    schema: str
    key: tuple[str, ...]
    effective: str | None
    sequence: tuple[str, ...]
    edits: tuple[Edit, ...]
    reads: frozenset[str]
    removal: Removal | None = None
    by_absence: bool = False
    shows_times: bool = False
    limits: tuple[str, ...] = field(default=())

    @property
    def ordered_by_event(self) -> bool:
        """Whether the history may not depend on the order in which changes arrive."""
        return self.effective is not None and self.model.load.late == "insert"


def history_of(loaded: LoadedSpec, model: Model, others: Mapping[str, Spec]) -> History | str:
    """What drives an scd2 model, or why its source cannot be changed on purpose."""
    spec, load = loaded.spec, model.load
    origins = Origins(spec, others)
    chain = row_models(spec, model)
    found = spec.source_table(chain[-1].from_)
    if found is None:
        return f"its rows come from {chain[-1].from_}, which another spec makes"
    if any(m.load.strategy != "full" for m in chain[1:]):
        return "a model between it and its source keeps rows of its own"
    source = f"{found[0].name}.{found[1].name}"
    key = [_plain_in(origins.named(model, k), source) for k in load.key]
    if not key or any(k is None for k in key):
        return f"its key {', '.join(load.key)} is computed, not a column of {source}"
    effective = None
    if load.effective_at:
        effective = _plain_in(origins.named(model, load.effective_at), source)
        if effective is None:
            return f"its event time {load.effective_at} is computed, not a column of {source}"
    sequence = [_plain_in(origins.named(model, s), source) for s in load.sequence_by]
    used = tuple(s for s in sequence if s is not None)
    fixed = {*(k for k in key if k), effective or "", *used}
    removal, limits = _removal(spec, found[1], model, chain)
    if removal is not None:
        fixed.add(removal.column)
    marks = {n for n in (found[1].cursor, found[1].loaded_at) if n}
    names = load.track or [c.name for c in outputs(spec, model, others)]
    edits = _edits(model, names, origins, source, {f.lower() for f in fixed | marks})
    if not edits:
        return f"none of its tracked columns comes from {source}"
    tracked = [n for n in names if n.lower() not in _untracked(model)]
    times = {*marks, *used, effective or ""}
    return History(
        model=model,
        source=source,
        table=found[1],
        schema=spec.schemas.raw,
        key=tuple(k for k in key if k),
        effective=effective,
        sequence=used if len(used) == len(sequence) else (),
        edits=edits,
        reads=upstream_tables(spec, model, others),
        removal=removal,
        by_absence=_by_absence(found[1], model, chain),
        shows_times=any(o.column in times for n in tracked for o in origins.of(model, n)),
        limits=limits,
    )


def _untracked(model: Model) -> set[str]:
    """Output columns whose change makes no version when ``track`` is left out."""
    skip = {n.lower() for n in (*model.load.key, *model.load.sequence_by)}
    return skip | {(model.load.effective_at or "").lower()}


def _plain_in(found: tuple[Origin, ...], source: str) -> str | None:
    if len(found) == 1 and found[0].plain and found[0].table == source:
        return found[0].column
    return None


def _edits(
    model: Model, names: Sequence[str], origins: Origins, source: str, fixed: set[str]
) -> tuple[Edit, ...]:
    """The source columns that may be changed to change one of the tracked columns."""
    found: dict[str, Edit] = {}
    for name in names:
        if name.lower() in _untracked(model):
            continue
        for origin in origins.of(model, name):
            column = origin.column.lower()
            if origin.table != source or column in fixed:
                continue
            edit = Edit(origin.column, name, origin.plain, origin.alone)
            if column not in found or _surer(edit) > _surer(found[column]):
                found[column] = edit
    return tuple(sorted(found.values(), key=_surer, reverse=True))


def _surer(edit: Edit) -> tuple[bool, bool]:
    return (edit.plain, edit.alone)


def _by_absence(table: SourceTable, model: Model, chain: tuple[Model, ...]) -> bool:
    direct = len(chain) == 1 and model.load.deletes == "close" and not model.where
    return direct and table.deletes.how == "absence" and table.extract == "full"


def _removal(
    spec: Spec, table: SourceTable, model: Model, chain: tuple[Model, ...]
) -> tuple[Removal | None, tuple[str, ...]]:
    """How a deleted row looks; else a limit when deletes are declared and cannot be made."""
    how = table.deletes.how
    if how == "none" or model.load.deletes == "ignore":
        return None, ()
    if len(chain) > 1 or (how == "absence" and model.where):
        return None, ("deletes: its rows pass other models or a filter",)
    if how == "operation" and table.operation:
        return Removal(table.operation.column, table.operation.deleted[0], "U"), ()
    if how == "predicate" and table.deletes.predicate:
        removal = _from_predicate(spec, table, table.deletes.predicate)
        if removal is None:
            return None, ("deletes: the predicate is no plain comparison",)
        return removal, ()
    return None, ()


def _says_true(name: str) -> tuple[str, ...]:
    return (name, f"{name}=true", f"{name}istrue")


def _from_predicate(spec: Spec, table: SourceTable, predicate: str) -> Removal | None:
    """A column alone (``is_deleted``), or a column that equals a text."""
    try:
        marks = {c.name: parse_expression(f'"{c.name}"', "duckdb") for c in table.columns}
        tree = parse_expression(predicate, spec.dialect, marks)
    except SqlError:
        return None
    text = predicate.strip().lower().replace("{", "").replace("}", "")
    flag = table.column(re.split(r"\s*=\s*|\s+is\s+", text)[0].strip())
    if flag is not None and text.replace(" ", "") in _says_true(flag.name.lower()):
        return Removal(flag.name, "true", "false")
    found = compared_literals(tree)
    exact = len(found) == 1 and " and " not in text and " or " not in text and "<>" not in text
    column = table.column(found[0][0].name) if exact and "!=" not in text else None
    return Removal(column.name, found[0][1], "") if column else None
