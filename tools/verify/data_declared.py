"""The source tables that specs declare, as they are to be in the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tools.findings import Finding, Location, Severity
from tools.spec.load import LoadedSpec
from tools.spec.source import Source, SourceTable
from tools.sql.parse import SqlError
from tools.sql.render import type_sql
from tools.verify.data_load import Target


@dataclass(frozen=True)
class Declared:
    """A declared table with where to say something about it."""

    loaded: LoadedSpec
    source: Source
    table: SourceTable
    at: Location


def declared_tables(specs: Sequence[LoadedSpec]) -> list[Declared]:
    """Every source table of the specs, each once; the first spec that declares it counts."""
    found: dict[tuple[str, str], Declared] = {}
    for loaded in specs:
        for i, source in enumerate(loaded.spec.sources):
            for j, table in enumerate(source.tables):
                place = loaded.at("sources", i, "tables", j)
                key = (loaded.spec.landing(source).lower(), table.name.lower())
                found.setdefault(key, Declared(loaded, source, table, place))
    return list(found.values())


def target_of(item: Declared, catalog: str) -> Target | Finding:
    """The table as it is to be in the database, or what is wrong with its declaration."""
    columns: list[tuple[str, str, bool, bool]] = []
    loaded_at = (item.table.loaded_at or "").lower()
    for column in item.table.columns:
        try:
            kind = type_sql(column.type, item.loaded.spec.dialect, "duckdb")
        except SqlError as error:
            return Finding(
                "DATA010", Severity.ERROR, f"{item.table.name}.{column.name}: {error.message}",
                item.at, "write a type of the spec's dialect", subject=item.table.name,
            )  # fmt: skip
        columns.append((column.name, kind, column.nullable, column.pii))
    if loaded_at and loaded_at not in {c[0].lower() for c in columns}:
        columns.append((item.table.loaded_at or "", "timestamp", False, False))
    return Target(
        catalog=catalog,
        schema=item.loaded.spec.landing(item.source),
        name=item.table.name,
        columns=tuple(columns),
        key=tuple(item.table.primary_key) if item.table.extract == "full" else (),
        loaded_at=item.table.loaded_at,
    )
