"""Sources that change shape: a column more, a wider type, a column less.

Models name their columns, so a column more may change nothing. A wider type may change no value,
and no declared type. A column that is read may not turn into NULL in silence when it is gone.
What the policy of a source table adds to that is said where it can be seen from here.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from tools.findings import Finding, Severity
from tools.spec.source import SchemaContract, SourceTable
from tools.sql.render import identifier
from tools.verify.bench import Bench, Checked
from tools.verify.scratch import KEPT, LoadFailed, Scratch, Table, evidence_of, tables_of

_BEFORE = "before"
_NEW = "specmill_new_column"
_WIDER = {"TINYINT": "INTEGER", "SMALLINT": "INTEGER", "INTEGER": "BIGINT"}
_DECIMAL = re.compile(r"DECIMAL\((\d+),\s*(\d+)\)")
_MOST_DIGITS = 38


@dataclass(frozen=True)
class _Source:
    """A source table with what its spec says of changes."""

    name: str
    declared: SourceTable
    table: Table

    @property
    def policy(self) -> SchemaContract:
        return self.declared.schema_contract


def check_evolution(bench: Bench, models: Sequence[str], now: dt.datetime) -> Checked:
    """Changes the shape of every source table, in copies of the built database.

    Args:
        bench: what every check needs.
        models: names of the dbt models.
        now: the moment of the build.
    """
    checked = Checked()
    sources = _sources(bench)
    if not sources:
        checked.not_run.append("schema evolution: no source table was loaded")
        return checked
    later = now + dt.timedelta(hours=1)
    _added(bench, models, sources, later, checked)
    _widened(bench, models, sources, later, checked)
    _removed(bench, models, sources, later, checked)
    for source in sources:
        policy = source.policy.columns
        if policy != "evolve":
            checked.not_run.append(
                f"{source.name}: that its extract does {policy} on a new column (dbt sees what "
                "was loaded, not the extract)"
            )
    return checked


def _sources(bench: Bench) -> list[_Source]:
    spec = bench.loaded.spec
    names = {
        (spec.landing(s).lower(), t.name.lower()): (f"{s.name}.{t.name}", t)
        for s in spec.sources
        for t in s.tables
    }
    found = []
    for (schema, name), (shown, declared) in names.items():
        table = tables_of(bench.worker, bench.database, [(schema, name)]).get(name)
        if table is not None:
            found.append(_Source(shown, declared, table))
    return found


def _added(
    bench: Bench, models: Sequence[str], sources: Sequence[_Source], now: dt.datetime,
    checked: Checked,
) -> None:  # fmt: skip
    """A column more in every source table."""
    bench.progress("properties: sources with a column more")
    statements = [
        f"alter table {s.table.sql} add column {_NEW} varchar default 'new'" for s in sources
    ]
    scratch = _changed(bench, "added", statements)
    try:
        scratch.run(models, now)
    except LoadFailed as failed:
        what = f"a source with one more column breaks the build: {failed.message}"
        checked.findings.append(Finding("PRO009", Severity.ERROR, what, hint=(
            "name the columns that are read"
        )))  # fmt: skip
    else:
        _compare(bench, scratch, checked, "when its sources have one more column")
    checked.runs += 1


def _widened(
    bench: Bench, models: Sequence[str], sources: Sequence[_Source], now: dt.datetime,
    checked: Checked,
) -> None:  # fmt: skip
    """Every number of every source table in a wider type, with the values that it had."""
    changes = [(s, name, wider) for s in sources for name, wider in _wider(s.table).items()]
    if not changes:
        checked.not_run.append("schema evolution: no source column has a wider type")
        return
    bench.progress("properties: sources with wider types")
    scratch = _changed(bench, "widened", [
        f"alter table {s.table.sql} alter column {identifier(name)} type {wider}"
        for s, name, wider in changes
    ])  # fmt: skip
    try:
        scratch.run(models, now)
    except LoadFailed as failed:
        stops = {s.name for s, _, _ in changes if s.policy.data_type != "evolve"}
        if not stops:
            what = f"wider types break the build, and the policy is evolve: {failed.message}"
            checked.findings.append(Finding("PRO010", Severity.ERROR, what))
        else:
            shown = ", ".join(sorted(stops))
            checked.not_run.append(
                f"values under wider types: the build stops, as {shown} does not let types evolve"
            )
    else:
        _compare(bench, scratch, checked, "when its sources have wider types")
    checked.runs += 1


def _wider(table: Table) -> Mapping[str, str]:
    found = {}
    for name, kind in table.columns:
        decimal = _DECIMAL.fullmatch(kind)
        if decimal and int(decimal[1]) + 6 <= _MOST_DIGITS:
            found[name] = f"DECIMAL({int(decimal[1]) + 6}, {decimal[2]})"
        elif kind in _WIDER:
            found[name] = _WIDER[kind]
    return found


def _removed(
    bench: Bench, models: Sequence[str], sources: Sequence[_Source], now: dt.datetime,
    checked: Checked,
) -> None:  # fmt: skip
    """The last column of every source table is gone: the build stops, or nothing changes."""
    bench.progress("properties: sources with a column less")
    gone = [(s, s.table.columns[-1][0]) for s in sources if len(s.table.columns) > 1]
    scratch = _changed(bench, "removed", [
        f"alter table {s.table.sql} drop column {identifier(name)}" for s, name in gone
    ])  # fmt: skip
    if _loads(scratch, models, now):
        names = ", ".join(f"{s.name}.{name}" for s, name in gone)
        _compare(bench, scratch, checked, f"in silence, when its sources lose a column ({names})")
    checked.runs += 1


def _loads(scratch: Scratch, models: Sequence[str], now: dt.datetime) -> bool:
    """Whether the models load; a build that stops says so, and has changed nothing."""
    try:
        scratch.run(models, now)
    except LoadFailed:
        return False
    return True


def _changed(bench: Bench, label: str, statements: Sequence[str]) -> Scratch:
    """A copy of the built database in which the shape of sources is another one."""
    folder = bench.folder / f"evolution-{label}"
    scratch = Scratch(bench.database, folder, bench.worker, bench.project)
    kept = [scratch.keep(t, _BEFORE) for t in _models(bench).values()]
    scratch.sql(f"create schema if not exists {KEPT}", *kept, *statements)
    return scratch


def _models(bench: Bench) -> dict[str, Table]:
    """The tables and views of the models as they were built."""
    spec = bench.loaded.spec
    names = [(getattr(spec.schemas, m.layer), m.name) for m in spec.models]
    return tables_of(bench.worker, bench.database, names)


def _compare(bench: Bench, scratch: Scratch, checked: Checked, when: str) -> None:
    """Every model has the columns, types and rows that it had."""
    before = _models(bench)
    now = scratch.tables([(t.schema, t.name) for t in before.values()])
    for model in bench.loaded.spec.models:
        was, became = before.get(model.name.lower()), now.get(model.name.lower())
        if was is None or became is None or not was.compared():
            continue
        moved = _moved(was, became, {c.name.lower() for c in model.columns if c.type})
        found = None if moved else scratch.difference(became, _BEFORE)
        if moved or found:
            what = f"{model.name} changes {when}" + (f": {moved}" if moved else "")
            checked.findings.append(Finding(
                "PRO009", Severity.ERROR, what, bench.place(model.name),
                "name the columns that are read, and cast to declared types",
                evidence_of(found, bench.project) if found else "", model.name,
            ))  # fmt: skip


def _moved(was: Table, became: Table, declared: Collection[str]) -> str:
    """How the columns of a table differ, in words; types where the spec declares one."""
    old, new = dict(was.columns), dict(became.columns)
    parts = [f"{n} is new" for n in new if n not in old]
    parts += [f"{n} is gone" for n in old if n not in new]
    parts += [
        f"{n} is {new[n]}, was {kind}"
        for n, kind in old.items()
        if n.lower() in declared and n in new and new[n] != kind
    ]
    return ", ".join(parts)
