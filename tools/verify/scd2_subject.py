"""A history that is to be put under changes: its tables, and the rows that it starts from."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass

from tools import layout
from tools.sql.render import identifier, literal
from tools.verify.batches import Row, Script, script_of
from tools.verify.bench import Bench, Checked
from tools.verify.history import History
from tools.verify.sample_values import family
from tools.verify.scratch import Table, tables_of

_KEYS = 8
_MAX_KEYS = 40
_FAR = dt.datetime(2200, 1, 1)  # noqa: DTZ001 - dates like 9999-12-31 leave no room after them
_NO_TIME = dt.datetime(2024, 1, 1)  # noqa: DTZ001 - where no column says when


@dataclass(frozen=True)
class Subject:
    """A history with its script and its tables."""

    history: History
    script: Script
    source: Table
    dim: Table
    log: Table | None

    @property
    def name(self) -> str:
        """The model's name."""
        return self.history.model.name

    @property
    def tables(self) -> tuple[Table, ...]:
        """The history and its change log."""
        return (self.dim, self.log) if self.log else (self.dim,)

    @property
    def can_delete(self) -> bool:
        """Whether one missing row, and not most of them, is to be believed deleted."""
        keys, ratio = len(self.script.versions), self.history.table.deletes.max_ratio
        return keys > 2 and 1 / keys <= ratio < (keys - 1) / keys

    def where(self, numbers: Sequence[int]) -> str:
        """SQL that is true for the history rows of some base rows."""
        names = [identifier(k) for k in self.history.model.load.key]
        found = []
        for number in numbers:
            row = self.script.versions[number][0].row
            same = (
                f"cast({name} as varchar) = {literal(row[key])}"
                for name, key in zip(names, self.history.key, strict=True)
            )
            found.append("(" + " and ".join(same) + ")")
        return "(" + (" or ".join(found) or "false") + ")"


def subject_of(bench: Bench, history: History, checked: Checked) -> Subject | None:
    """The base rows of a history: source rows that its built table shows."""
    spec, model = bench.loaded.spec, history.model
    log_name = layout.change_log_name(model)
    names = [
        (history.schema, history.table.name),
        (getattr(spec.schemas, model.layer), model.name),
        (spec.schemas.intermediate, log_name),
    ]
    tables = tables_of(bench.worker, bench.database, names)
    source, dim = tables.get(history.table.name.lower()), tables.get(model.name.lower())
    if source is None or dim is None:
        checked.not_run.append(f"history of {model.name} under changes: it was not built")
        return None
    kind = dict(source.columns).get(history.effective or "", "timestamp")
    if family(kind) not in ("moment", "date"):
        checked.not_run.append(
            f"history of {model.name} under changes: its event time is a {kind.lower()}"
        )
        return None
    base, newest = _base_rows(bench, history, source, dim)
    if len(base) < 2:
        checked.not_run.append(
            f"history of {model.name} under changes: its data has {len(base)} usable keys"
        )
        return None
    shown = _shown_rows(bench, history, base, dim)
    script = script_of(history, base, shown, dict(source.columns), newest)
    checked.not_run += [f"{model.name}: {limit}" for limit in history.limits]
    if not history.ordered_by_event:
        why = "late rows are ignored" if history.effective else "it has no event time"
        checked.not_run.append(f"{model.name} under shuffled batches: {why}, so order matters")
    return Subject(history, script, source, dim, tables.get(log_name.lower()))


def _texts(table: Table) -> str:
    """Every column of a table, as text, under its own name."""
    names = (identifier(c) for c, _ in table.columns)
    return ", ".join(f"cast({n} as varchar) as {n}" for n in names)


def _base_rows(
    bench: Bench, history: History, source: Table, dim: Table
) -> tuple[list[Row], dt.datetime]:
    """One row a key as text, and the first midnight after the newest event time."""
    wanted = _KEYS
    if history.by_absence:
        wanted = max(_KEYS, min(_MAX_KEYS, math.ceil(1 / history.table.deletes.max_ratio) + 1))
    keys = ", ".join(identifier(k) for k in history.key)
    theirs = ", ".join(identifier(k) for k in history.model.load.key)
    newest = identifier(history.effective) if history.effective else keys
    moment = f"cast(max({newest}) as timestamp)" if history.effective else "null::timestamp"
    latest = f"row_number() over (partition by {keys} order by {newest} desc nulls last)"
    shown = (
        f"select {_texts(source)} from {source.sql} "
        f"where ({keys}) in (select ({theirs}) from {dim.sql}) "
        f"qualify {latest} = 1 order by {keys} limit {wanted}"
    )
    ask = f"select cast({moment} as varchar) from {source.sql}"
    rows, times = bench.worker.sql(bench.database, [shown, ask])
    text = times.rows[0][0]
    try:
        start = dt.datetime.fromisoformat(text) if text else _NO_TIME
    except ValueError:  # infinity, or a year that Python does not know
        start = _NO_TIME
    start = min(start, _FAR).replace(hour=0, minute=0, second=0, microsecond=0)
    base: list[Row] = list(rows.dicts())
    return base, start + dt.timedelta(days=1)


def _shown_rows(bench: Bench, history: History, base: Sequence[Row], dim: Table) -> list[Row]:
    """What the history shows now for each base row, as text; nothing for keys that ended."""
    current = identifier(history.model.load.is_current)
    rows = bench.worker.sql(
        bench.database, [f"select {_texts(dim)} from {dim.sql} where {current}"]
    )
    names = history.model.load.key
    by_key = {tuple(r[k] for k in names): r for r in (_cased(d, names) for d in rows[0].dicts())}
    return [by_key.get(tuple(row[k] for k in history.key), {}) for row in base]


def _cased(row: Row, names: Sequence[str]) -> Row:
    """A row whose key columns are called as the spec calls them."""
    lowered = {n.lower(): n for n in names}
    return {lowered.get(k.lower(), k): v for k, v in row.items()}
