"""Models that are merged or appended to: what two loads give is what one full load gives."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from tools.findings import Finding, Severity
from tools.spec.transform import Model
from tools.sql.render import identifier
from tools.verify.bench import Bench, Checked
from tools.verify.history import Edit
from tools.verify.lineage import rounds, row_models, upstream_tables
from tools.verify.origins import Origins
from tools.verify.sample_values import family, value_of
from tools.verify.scratch import LoadFailed, Table, evidence_of, set_rows, tables_of

_ROWS = 40
_LATER = dt.timedelta(days=1)

Row = Mapping[str, str | None]


@dataclass(frozen=True)
class _Subject:
    """A kept model, its source table, and two states of it: what was there first, and all."""

    model: Model
    source: Table
    reference: str
    first: tuple[Row, ...]
    final: tuple[Row, ...]
    reads: frozenset[str]


def check_increments(bench: Bench) -> Checked:
    """Every append, incremental and scd1 model of the spec."""
    checked = Checked()
    subjects: dict[str, _Subject] = {}
    for model in bench.loaded.spec.models:
        if model.load.strategy in ("append", "incremental", "scd1"):
            found = _subject(bench, model)
            if isinstance(found, str):
                checked.not_run.append(f"{model.name} incremental = full: {found}")
                continue
            subjects[model.name] = found
    named = [(n, s.reference, s.reads) for n, s in subjects.items()]
    for number, names in enumerate(rounds(named)):
        _check(bench, [subjects[n] for n in names], checked, number)
    return checked


def _subject(bench: Bench, model: Model) -> _Subject | str:
    """What to change for a model, or why nothing can be."""
    spec = bench.loaded.spec
    chain = row_models(spec, model)
    source = spec.source_table(chain[-1].from_)
    if source is None:
        return f"its rows come from {chain[-1].from_}, which another spec makes"
    if any(m.load.strategy == "scd2" for m in chain[1:]):
        return "its rows come from a history"
    reference = f"{source[0].name}.{source[1].name}"
    origins = Origins(spec, bench.others)
    name = model.load.cursor or model.load.effective_at
    cursor = None
    if name:
        found = origins.named(model, name)
        plain = len(found) == 1 and found[0].plain and found[0].table == reference
        cursor = found[0].column if plain else None
        if cursor is None:
            return f"its cursor {name} is computed, not a column of {reference}"
    tables = tables_of(bench.worker, bench.database, [(spec.landing(source[0]), source[1].name)])
    table = tables.get(source[1].name.lower())
    if table is None:
        return "its source table was not loaded"
    kinds = dict(table.columns)
    if cursor and family(kinds.get(cursor, "")) not in ("moment", "date", "integer"):
        return f"its cursor {name} is neither a time nor a number"
    rows = _rows(bench, table, cursor)
    if len(rows) < 2:
        return f"its data has {len(rows)} rows"
    edit = None if model.load.strategy == "append" else _edit(model, origins, reference, cursor)
    first, final = _states(rows, cursor, kinds, edit)
    reads = upstream_tables(spec, model, bench.others)
    return _Subject(model, table, reference.lower(), first, final, reads)


def _rows(bench: Bench, table: Table, cursor: str | None) -> list[Row]:
    columns = ", ".join(
        f"cast({identifier(c)} as varchar) as {identifier(c)}" for c, _ in table.columns
    )
    order = identifier(cursor) if cursor else "all"
    ask = f"select {columns} from {table.sql} order by {order} limit {_ROWS}"
    return list(bench.worker.sql(bench.database, [ask])[0].dicts())


def _edit(model: Model, origins: Origins, reference: str, cursor: str | None) -> Edit | None:
    """A source column that arrives unchanged and is neither key nor cursor."""
    key = {k.lower() for k in model.load.key}
    fixed = {o.column.lower() for k in model.load.key for o in origins.of(model, k)}
    for column in model.columns:
        found = origins.of(model, column.name)
        if column.name.lower() in key or len(found) != 1:
            continue
        name = found[0].column
        usable = found[0].plain and found[0].table == reference
        if usable and name != cursor and name.lower() not in fixed:
            return Edit(name, column.name, plain=True, alone=True)
    return None


def _states(
    rows: list[Row], cursor: str | None, kinds: Mapping[str, str], edit: Edit | None
) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """The source before and after: the later rows are new, one of the first was changed."""
    half = (len(rows) + 1) // 2
    first = tuple(rows[:half])
    newest = max((str(v) for r in first if cursor and (v := r[cursor]) is not None), default="")
    later = [_moved(r, cursor, kinds, newest, n + 1) for n, r in enumerate(rows[half:])]
    kept = list(first)
    if edit is not None:
        values = sorted({str(v) for r in rows if (v := r[edit.column]) is not None})
        made = value_of(edit.column, kinds[edit.column], 40)
        value = next((v for v in values if v != kept[0][edit.column]), made)
        changed = {**kept[0], edit.column: value}
        kept[0] = _moved(changed, cursor, kinds, newest, len(rows) + 1)
    return first, (*kept, *later)


def _moved(row: Row, cursor: str | None, kinds: Mapping[str, str], newest: str, steps: int) -> Row:
    """The row with a cursor beyond the newest one."""
    if cursor is None or not newest:
        return row
    if family(kinds[cursor]) == "integer":
        return {**row, cursor: str(int(newest) + steps)}
    moment = dt.datetime.fromisoformat(newest) + _LATER * steps
    return {**row, cursor: str(moment.date() if family(kinds[cursor]) == "date" else moment)}


def _check(bench: Bench, subjects: list[_Subject], checked: Checked, number: int) -> None:
    names = [s.model.name for s in subjects]
    bench.progress(f"properties: {', '.join(names)}, two loads and one full load")
    clock = dt.datetime(2100, 1, 1)  # noqa: DTZ001 - later than what the data speaks of
    try:
        increments = bench.scratch(f"increments-{number}")
        for state in ("first", "final"):
            clock += dt.timedelta(hours=1)
            increments.sql(*(set_rows(s.source, getattr(s, state)) for s in subjects))
            increments.run(names, clock)
        whole = bench.scratch(f"whole-{number}")
        whole.sql(*(set_rows(s.source, s.final) for s in subjects))
        whole.run(names, clock, full_refresh=True)
    except LoadFailed as failed:
        checked.findings.append(Finding(
            "PRO008", Severity.ERROR, f"a load of {', '.join(names)} with changed rows fails: "
            f"{failed.message}", bench.place(names[0]), subject=names[0],
        ))  # fmt: skip
        return
    checked.runs += increments.runs + whole.runs
    for subject in subjects:
        schema = getattr(bench.loaded.spec.schemas, subject.model.layer)
        table = increments.table(schema, subject.model.name)
        if table is None:
            continue
        found = increments.difference_from(whole.database, table, table.local)
        if found:
            checked.findings.append(Finding(
                "PRO007", Severity.ERROR,
                f"{subject.model.name}: two loads give other rows than one full load of the same "
                "source", bench.place(subject.model.name),
                evidence=evidence_of(found, bench.project), subject=subject.model.name,
            ))  # fmt: skip
