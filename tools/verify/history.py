"""What has to be known of an scd2 model to change its source on purpose."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from tools.spec.load import LoadedSpec
from tools.spec.model import Spec
from tools.spec.scope import outputs, parse_in_scope
from tools.spec.source import SourceTable
from tools.spec.transform import Model
from tools.sql.analyse import columns_in
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
    limits: tuple[str, ...] = ()

    @property
    def ordered_by_event(self) -> bool:
        """Whether the history may not depend on the order in which changes arrive."""
        return self.effective is not None and self.model.load.late == "insert"


class _Unknown(Exception):
    """What drives the history cannot be told; the text says why."""


def history_of(loaded: LoadedSpec, model: Model, others: Mapping[str, Spec]) -> History | str:
    """What drives an scd2 model, or why its source cannot be changed on purpose."""
    try:
        return _Reader(loaded.spec, model, others).read()
    except _Unknown as reason:
        return str(reason)


class _Reader:
    """Follows the columns that ``load`` names down to the source table."""

    def __init__(self, spec: Spec, model: Model, others: Mapping[str, Spec]) -> None:
        self.spec, self.model, self.others = spec, model, others
        self.origins = Origins(spec, others)
        self.chain = row_models(spec, model)
        found = spec.source_table(self.chain[-1].from_)
        if found is None:
            below = self.chain[-1].from_
            raise _Unknown(f"its rows come from {below}, which another spec makes")
        if any(m.load.strategy != "full" for m in self.chain[1:]):
            raise _Unknown("a model between it and its source keeps rows of its own")
        self.schema = spec.landing(found[0])
        self.table = found[1]
        self.source = f"{found[0].name}.{found[1].name}"

    def read(self) -> History:
        load, table = self.model.load, self.table
        key = self.plain(load.key, "key")
        effective = self.plain([load.effective_at], "event time")[0] if load.effective_at else None
        sequence = self.sequence()
        removal, limits = _removal(self.spec, table, self.model, self.chain)
        times = {n for n in (table.cursor, table.loaded_at, effective, *sequence) if n}
        fixed = {*key, *times, *self.filtering(), *([removal.column] if removal else [])}
        edits = _edits(self.tracked(), self.origins, self.model, self.source, fixed)
        if not edits:
            raise _Unknown(f"none of its tracked columns can be changed in {self.source}")
        shown = {o.column for n in self.tracked() for o in self.origins.of(self.model, n)}
        return History(
            model=self.model,
            source=self.source,
            table=table,
            schema=self.schema,
            key=key,
            effective=effective,
            sequence=sequence if len(sequence) == len(load.sequence_by) else (),
            edits=edits,
            reads=upstream_tables(self.spec, self.model, self.others),
            removal=removal,
            by_absence=_by_absence(table, self.model, self.chain),
            shows_times=bool(shown & times),
            limits=limits,
        )

    def plain(self, names: Sequence[str], what: str) -> tuple[str, ...]:
        """The source columns of names that arrive unchanged."""
        found = [self.origins.named(self.model, n) for n in names]
        if not names or any(not self._is_plain(f) for f in found):
            shown = ", ".join(names)
            raise _Unknown(f"its {what} {shown} is computed, not a column of {self.source}")
        return tuple(f[0].column for f in found)

    def sequence(self) -> tuple[str, ...]:
        found = (self.origins.named(self.model, s) for s in self.model.load.sequence_by)
        return tuple(f[0].column for f in found if self._is_plain(f))

    def _is_plain(self, found: tuple[Origin, ...]) -> bool:
        return len(found) == 1 and found[0].plain and found[0].table == self.source

    def tracked(self) -> list[str]:
        """The output columns whose change makes a version."""
        load = self.model.load
        names = load.track or [c.name for c in outputs(self.spec, self.model, self.others)]
        skip = {n.lower() for n in (*load.key, *load.sequence_by)}
        skip.add((load.effective_at or "").lower())
        return [n for n in names if n.lower() not in skip]

    def filtering(self) -> set[str]:
        """Source columns that decide whether there is a row at all: changing them is a deletion."""
        found: set[str] = set()
        for model in self.chain:
            scope = self.origins.scope(model)
            texts = [model.where, model.having, *(j.on for j in model.joins)]
            texts += [j.filter for j in model.joins if j.filter_at == "after_join"]
            for text in texts:
                try:
                    tree = parse_in_scope(self.spec, text, scope, model.alias) if text else None
                except SqlError:
                    continue
                for ref in columns_in(tree) if tree is not None else ():
                    for origin in self.origins.of_ref(model, ref):
                        found |= {origin.column} if origin.table == self.source else set()
        return found


def _edits(
    tracked: Sequence[str], origins: Origins, model: Model, source: str, fixed: Collection[str]
) -> tuple[Edit, ...]:
    """The source columns that may be changed to change one of the tracked columns."""
    found: dict[str, Edit] = {}
    for name in tracked:
        for origin in origins.of(model, name):
            if origin.table != source or origin.column in fixed:
                continue
            edit = Edit(origin.column, name, origin.plain, origin.alone)
            if origin.column not in found or _surer(edit) > _surer(found[origin.column]):
                found[origin.column] = edit
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
        why = "a filter" if len(chain) == 1 else "other models, and the spec says nothing of that"
        return None, (f"deletes: its rows pass {why}",)
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
