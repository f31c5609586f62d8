"""The table of an scd2 model: its rows as changes, its changes as versions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from tools.spec.model import Spec
from tools.spec.source import SourceTable
from tools.spec.transform import Model
from tools.verify.dataset import Dataset, Row, Table
from tools.verify.oracle.engine import Engine
from tools.verify.oracle.frame import Frame
from tools.verify.oracle.history import Change, Rules, see, versions
from tools.verify.oracle.loads import Doubt
from tools.verify.oracle.reading import Reading
from tools.verify.oracle.transform import Extra

_EXTRA = "\x00"  # no column of a spec begins with it
_DELETED = _EXTRA + "deleted"


def extras_of(spec: Spec, model: Model) -> list[Extra]:
    """What a load looks at: the columns that order changes, and whether a row is deleted."""
    load = model.load
    if load.strategy not in ("incremental", "scd1", "scd2"):
        return []
    names = [n for n in (load.effective_at, load.cursor, *load.sequence_by) if n]
    extras = [Extra(_EXTRA + n, n) for n in dict.fromkeys(names)]
    found = spec.source_table(model.from_)
    predicate = _predicate(found[1]) if found else None
    if load.strategy == "scd2" and predicate is not None and not model.is_aggregate:
        extras.append(Extra(_DELETED, predicate, is_condition=True))
    return extras


def _predicate(table: SourceTable) -> str | None:
    """The condition under which a row says that it is deleted."""
    if table.deletes.how == "predicate":
        return table.deletes.predicate
    if table.deletes.how == "operation" and table.operation is not None:
        values = ", ".join("'" + v.replace("'", "''") + "'" for v in table.operation.deleted)
        return "{" + table.operation.column + "} in (" + values + ")"
    return None


@dataclass(frozen=True)
class Dimension:
    """An scd2 model.

    Args:
        spec: whose model it is.
        model: the model.
        engine: gives the values of expressions.
        doubt: told where the spec leaves something open.
    """

    spec: Spec
    model: Model
    engine: Engine
    doubt: Doubt

    def load(
        self, rows: Table, given: Dataset, known: Sequence[Change], moment: dt.datetime
    ) -> tuple[Table, list[Change]]:
        """The versions after a load, and all that is known then.

        Args:
            rows: what the transformation gives now, with the columns of :func:`extras_of`.
            given: the tables that it was given.
            known: the changes that were seen before.
            moment: when the load happens.
        """
        load, rules = self.model.load, self._rules(rows)
        shown = [c for c in rows.columns if not c[0].startswith(_EXTRA)]
        effective = rows.index(_EXTRA + load.effective_at) if load.effective_at else None
        kind = rows.columns[effective][1] if effective is not None else "timestamp"
        now = self.engine.cast([moment], kind)[0]
        incoming = [self._change(rows, row, len(shown), effective) for row in rows.rows]
        changes = see(rules, known, incoming, now, self.doubt)
        gone = any(c.absent for c in changes[len(known) :])
        if gone and self._can_hide_rows():
            self.doubt("a key is missing, and the model itself may have dropped it")
        if gone and not kind.startswith("timestamp"):
            self.doubt(f"a key is missing since the moment of the load, which is no {kind}")
        missing = {c.key for c in changes} - {c.key for c in incoming}
        self._note_hidden_deletes(given, missing=bool(missing))
        added = ((load.valid_from, kind), (load.valid_to, kind), (load.is_current, "boolean"))
        found = versions(rules, changes, self.doubt)
        made = [(*v.values, v.begin, v.end, v.end is None) for v in found]
        return Table((*shown, *added), tuple(made)), changes

    def _rules(self, rows: Table) -> Rules:
        load, found = self.model.load, self.spec.source_table(self.model.from_)
        deletes = found[1].deletes if found else None
        closes = load.deletes == "close"
        names = [n.lower() for n, _ in rows.columns if not n.startswith(_EXTRA)]
        apart = {n.lower() for n in (*load.key, load.effective_at, *load.sequence_by) if n}
        tracked = {n.lower() for n in load.track} or set(names) - apart
        return Rules(
            observed=load.effective_at is None,
            closes=closes,
            by_absence=closes and deletes is not None and deletes.how == "absence",
            max_ratio=deletes.max_ratio if deletes else 1.0,
            ignores_late=load.late == "ignore",
            tracked=tuple(i for i, n in enumerate(names) if n in tracked),
        )

    def _change(self, rows: Table, row: Row, shown: int, effective: int | None) -> Change:
        load = self.model.load
        key = tuple(row[i] for i in (rows.index(k) for k in load.key) if i is not None)
        places = [rows.index(_EXTRA + n) for n in load.sequence_by]
        sequence = tuple(row[i] for i in places if i is not None)
        deleted = rows.index(_DELETED)
        marked = deleted is not None and bool(row[deleted])
        at = row[effective] if effective is not None else None
        return Change(key, at, sequence, row[:shown], marked)

    def _can_hide_rows(self) -> bool:
        """Whether a row of the extract may be missing among the rows of the model."""
        joins = self.model.joins
        narrow = any(j.type in ("inner", "right") or j.filter_at == "after_join" for j in joins)
        return bool(self.model.where or self.model.is_aggregate or narrow)

    def _note_hidden_deletes(self, given: Dataset, *, missing: bool) -> None:
        """Notes deletes that the source declares, where other models stand in between."""
        at = self.model
        while (below := self.spec.model_named(at.from_)) is not None and below is not at:
            at = below
        found = self.spec.source_table(at.from_)
        if at is self.model or found is None or self.model.load.deletes == "ignore":
            return
        absent = missing and found[1].deletes.how == "absence"
        if absent or self._marks_a_row(at, found[1], given):
            self.doubt(f"{at.from_} says how its rows are deleted, and models are in between")

    def _marks_a_row(self, at: Model, table: SourceTable, given: Dataset) -> bool:
        text, rows = _predicate(table), given.table(at.from_)
        if text is None or rows is None:
            return False
        reading = Reading(self.spec, at, lambda _: rows, self.engine)
        return bool(reading.true_for(text, Frame.of(rows, at.alias)).rows)
