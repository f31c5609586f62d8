"""Tables that outlive a run, brought to the types that a changed spec declares.

A table that is built incrementally stays in the development database. When a column's type has
changed since, dbt's contract would refuse it for ever. The values are cast where they can be; a
table whose values cannot is dropped, so that the build starts it anew, and that is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools import layout
from tools.findings import Finding, Severity
from tools.spec.load import LoadedSpec
from tools.spec.model import Spec
from tools.spec.scope import NO_OTHERS, effective_type, outputs, relations, table_columns
from tools.spec.transform import Model
from tools.sql.render import identifier, type_sql
from tools.verify.worker import DatabaseError, DbtWorker

_KEPT = ("append", "incremental", "scd1", "scd2")


@dataclass(frozen=True)
class Lasting:
    """A table that is kept between runs: its schema, its name, DuckDB types by column."""

    model: str
    schema: str
    name: str
    types: Mapping[str, str]


def lasting_tables(spec: Spec, others: Mapping[str, Spec] = NO_OTHERS) -> Iterator[Lasting]:
    """The tables of a spec's models that are built upon from run to run."""
    for model in spec.models:
        if model.load.strategy not in _KEPT:
            continue
        columns = table_columns(spec, model, others)
        types = _duckdb(spec, {c.name: None if c.inferred else c.type for c in columns})
        yield Lasting(model.name, str(getattr(spec.schemas, model.layer)), model.name, types)
        if model.load.strategy == "scd2":
            yield _change_log(spec, model, others)


def _change_log(spec: Spec, model: Model, others: Mapping[str, Spec]) -> Lasting:
    business = outputs(spec, model, others)
    scope = relations(spec, model, others)
    types: dict[str, str | None] = {c.name: None if c.inferred else c.type for c in business}
    types["_effective_at"] = effective_type(spec, model, business, scope)
    return Lasting(
        model.name,
        spec.schemas.intermediate,
        layout.change_log_name(model),
        _duckdb(spec, types),
    )


def _duckdb(spec: Spec, types: Mapping[str, str | None]) -> dict[str, str]:
    return {name: type_sql(kind, spec.dialect, "duckdb") for name, kind in types.items() if kind}


def reshape(
    loaded: LoadedSpec, others: Mapping[str, Spec], *, worker: DbtWorker, database: Path
) -> list[Finding]:
    """Brings the lasting tables of a spec to their declared types; says what was lost.

    Raises:
        ProgramMissing: the database file cannot be used.
    """
    if not database.exists():
        return []
    tables = list(lasting_tables(loaded.spec, others))
    found = _existing(tables, worker, database)
    findings = []
    for table in tables:
        changed = _changed(table, found.get((table.schema, table.name), {}))
        if changed and not _cast(table, changed, worker, database):
            findings.append(_started_anew(loaded, table, changed))
    return findings


def _existing(
    tables: Sequence[Lasting], worker: DbtWorker, database: Path
) -> dict[tuple[str, str], dict[str, tuple[str, str]]]:
    """Per table that is there: column -> (its type, the declared type as DuckDB spells it)."""
    if not tables:
        return {}
    declared = sorted({kind for t in tables for kind in t.types.values()})
    spelled = ", ".join(f"typeof(cast(null as {kind}))" for kind in declared)
    existing = (
        "select table_schema, table_name, column_name, data_type "
        "from information_schema.columns where table_catalog = current_database()"
    )
    rows, names = worker.sql(database, [existing, f"select {spelled or 'null'}"])
    spelling = dict(zip(declared, names.rows[0], strict=False))
    wanted = {(t.schema, t.name): t for t in tables}
    found: dict[tuple[str, str], dict[str, tuple[str, str]]] = {}
    for schema, name, column, kind in rows.rows:
        table = wanted.get((schema, name))
        if table is not None and column in table.types:
            pair = (str(kind), str(spelling[table.types[column]]))
            found.setdefault((schema, name), {})[column] = pair
    return found


def _changed(table: Lasting, types: Mapping[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    return {c: pair for c, pair in types.items() if pair[0] != pair[1] and c in table.types}


def _cast(
    table: Lasting, changed: Mapping[str, tuple[str, str]], worker: DbtWorker, database: Path
) -> bool:
    """Casts the columns in place; drops the table where a value does not fit."""
    catalog = identifier(database.stem)  # a schema may be called as a catalog is, such as temp
    name = f"{catalog}.{identifier(table.schema)}.{identifier(table.name)}"
    casts = [
        f"alter table {name} alter column {identifier(c)} type {pair[1]}"
        for c, pair in changed.items()
    ]
    try:
        worker.sql(database, ["begin", *casts, "commit"])
    except DatabaseError:
        worker.sql(database, [f"drop table if exists {name}"])
        return False
    return True


def _started_anew(
    loaded: LoadedSpec, table: Lasting, changed: Mapping[str, tuple[str, str]]
) -> Finding:
    columns = ", ".join(f"{c} from {a} to {b}" for c, (a, b) in changed.items())
    names = [m.name for m in loaded.spec.models]
    return Finding(
        "DEV001",
        Severity.WARNING,
        f"{table.name} was started anew in the development database: its values do not fit the "
        f"changed types ({columns})",
        loaded.at("models", names.index(table.model)),
        "in production such a change needs a migration: cast or rename the column there",
        subject=table.model,
    )
