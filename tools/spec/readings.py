"""Columns of a source table that the spec does not declare, read off DDL or a data file."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from tools.errors import InputError
from tools.findings import Finding, Location, Severity
from tools.spec.files import read_text_file, refuse_file
from tools.spec.source import Column, Source, SourceTable
from tools.sql.parse import SqlError, TableDdl, known_dialects, parse_ddl
from tools.sql.render import type_sql

DDL_FOLDERS = ("source_ddl", "ddl")
DATA_SUFFIXES = (".csv", ".json", ".parquet")
_VALUE_LIKE = re.compile(r"[-+]?[\d.,]+([eE][-+]?\d+)?|\d{4}-\d\d-\d\d.*|true|false|null", re.I)
_READERS = {".csv": "read_csv(?, header = true)", ".json": "read_json(?)", ".parquet": "?"}


@dataclass(frozen=True)
class Reading:
    """The columns of a table, typed in the spec's dialect, and where they were read."""

    columns: tuple[Column, ...]
    primary_key: tuple[str, ...]
    how: Literal["ddl", "data", "assumed"]
    shown: str = ""


def find_data(
    source: Source, table: SourceTable, folder: Path, roots: Sequence[Path]
) -> tuple[Path, str] | None:
    """The data file of a table and its name for people: the declared one, else by its name.

    Args:
        source: the source of the table; ``data/<source>/<table>.csv`` is looked for as well.
        table: the table.
        folder: the folder of the spec file, looked at first.
        roots: folders that are looked at after it.
    """
    if table.data is not None:
        names = [table.data]
    else:
        stems = (f"data/{table.name}", f"data/{source.name}/{table.name}")
        names = [stem + suffix for stem in stems for suffix in DATA_SUFFIXES]
    return next(_existing(names, (folder, *roots)), None)


def _existing(names: Sequence[str], folders: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    for folder in folders:
        for name in names:
            try:
                if (folder / name).is_file():
                    yield folder / name, name
            except (OSError, ValueError):  # a name too long, or no name at all: there is no file
                continue


def read_ddl(
    source: Source, table: SourceTable, dialect: str, folders: Sequence[Path]
) -> Reading | None:
    """Columns and primary key from ``source_ddl/<table>.sql`` or ``ddl/<table>.sql``.

    Raises:
        InputError: there is such a file and it does not say.
    """
    names = [f"{folder}/{table.name}.sql" for folder in DDL_FOLDERS]
    found = next(_existing(names, folders), None)
    if found is None:
        return None
    file, shown = found
    definition, read = _parse_ddl(read_text_file(file, shown), shown, source, table, dialect)
    _expect_distinct([name for name, _, _ in definition.columns], shown)
    columns = [
        _column(name, _type(kind, read, dialect, name, shown), nullable, shown)
        for name, kind, nullable in definition.columns
    ]
    return Reading(tuple(columns), definition.primary_key, "ddl", shown)


def _parse_ddl(
    text: str, shown: str, source: Source, table: SourceTable, dialect: str
) -> tuple[TableDdl, str]:
    """The table's definition and the dialect that it was read in: the system's, else the spec's."""
    system = source.system.lower()
    dialects = [d for d in dict.fromkeys((dialect, system)) if d in known_dialects()]
    failed: SqlError | None = None
    for read in reversed(dialects):
        try:
            tables = parse_ddl(text, read)
        except SqlError as error:
            failed = error
        else:
            return _table_named(tables, table.name, shown), read
    line = failed.line if failed else 0
    reason = failed.message if failed else f"no SQL dialect is known for {dialect}"
    return refuse_file(shown, f"as DDL {reason}", "correct it, or declare the columns", line=line)


def _table_named(tables: Sequence[TableDdl], name: str, shown: str) -> TableDdl:
    found = next((t for t in tables if t.name.lower() == name.lower()), None)
    if found is None:
        created = ", ".join(t.name for t in tables)
        hint = f"name the file after its table, or create {name} in it"
        refuse_file(shown, f"creates {created}, not {name}", hint)
    if not found.columns:
        refuse_file(shown, f"declares no column of {name}", "list the columns")
    return found


def read_data(
    source: Source, table: SourceTable, dialect: str, folder: Path, roots: Sequence[Path]
) -> Reading | None:
    """Columns from the header and the values of a data file; keys are not in it.

    Raises:
        InputError: there is such a file and it does not say.
    """
    found = find_data(source, table, folder, roots)
    if found is None:
        return None
    file, shown = found
    suffix = file.suffix.lower()
    if suffix not in _READERS:
        hint = f"use one of {', '.join(DATA_SUFFIXES)}"
        refuse_file(shown, f"{suffix or 'a file without suffix'} is not read as data", hint)
    if suffix == ".csv":
        _check_header(file, shown)
    described = _describe(file, shown, suffix)
    _expect_distinct([name for name, _ in described], shown)
    columns = [
        _column(name, _type(kind, "duckdb", dialect, name, shown), True, shown)
        for name, kind in described
    ]
    return Reading(tuple(columns), (), "data", shown)


def _describe(file: Path, shown: str, suffix: str) -> list[tuple[str, str]]:
    """Names and DuckDB types of a data file."""
    import duckdb  # noqa: PLC0415  a large library, needed for bare tables only

    if file.stat().st_size == 0:
        refuse_file(shown, "is empty", "give it a header and some rows")
    query = f"describe select * from {_READERS[suffix]}"
    config: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": "false",
        "threads": "1",
    }
    try:
        with duckdb.connect(":memory:", config=config) as connection:
            if suffix == ".parquet":
                query = query.replace("?", "read_parquet(?)")
            rows = connection.execute(query, [str(file)]).fetchall()
    except duckdb.Error as error:
        reason = str(error).splitlines()[0].replace(str(file), shown)
        refuse_file(
            shown, f"cannot be read as data: {reason}", "check the file, or declare columns"
        )
    return [(str(row[0]), str(row[1])) for row in rows]


def _check_header(file: Path, shown: str) -> None:
    """Refuse a CSV whose first row is no header: DuckDB would take the first values for names."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            sample = stream.read(64 * 1024)
    except UnicodeDecodeError:
        refuse_file(shown, "is not UTF-8 text", "save it as UTF-8")
    except OSError as error:
        refuse_file(shown, f"cannot be read: {error.strerror}", "check its permissions")
    if not sample.strip():
        refuse_file(shown, "is empty", "give it a header and some rows")
    first = sample.splitlines()[0]
    delimiter = max(",;\t|", key=first.count)
    try:
        cells = next(csv.reader([first], delimiter=delimiter))
    except csv.Error as error:
        refuse_file(shown, f"its first line is no CSV: {error}", "check the quotes", line=1)
    wrong = next((c for c in cells if not c.strip() or _VALUE_LIKE.fullmatch(c.strip())), None)
    if wrong is not None:
        shown_cell = repr(wrong) if wrong.strip() else "an empty cell"
        what = f"has no header: {shown_cell} in its first line is no column name"
        refuse_file(shown, what, "write the column names into the first line", line=1)
    _expect_distinct(cells, shown)


def _type(kind: str, read: str, write: str, name: str, shown: str) -> str:
    try:
        return type_sql(kind, read, write)
    except SqlError as error:
        hint = f"declare the columns of the table, with a type for {name}"
        refuse_file(shown, f"column {name}: {error.message}", hint)


def _column(name: str, kind: str, nullable: bool, shown: str) -> Column:
    try:
        return Column(name=name, type=kind, nullable=nullable)
    except ValidationError as error:
        what = f"{name[:60]!r} cannot be the name of a column"
        finding = Finding("SPEC-FILE", Severity.ERROR, what, Location(shown), hint="rename it")
        raise InputError(f"{shown}: {what}", "rename it", (finding,)) from error


def _expect_distinct(names: Sequence[str], shown: str) -> None:
    """Databases tell columns apart by their names without case."""
    lowered = [name.strip().lower() for name in names]
    twice = next((n for i, n in enumerate(names) if lowered[i] in lowered[:i]), None)
    if twice is not None:
        what = f"names the column {twice.strip()!r} twice (case aside)"
        refuse_file(shown, what, "rename one of them")
