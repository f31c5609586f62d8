"""Scratch copies of the database: where loads are repeated, shuffled and compared.

A copy keeps the file's name, because dbt-duckdb calls the catalog after it and parsed projects
hold that name; copies live in folders of their own.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.errors import ProgramMissing
from tools.sql.render import identifier, literal
from tools.verify.build import expect_database, moment, selection
from tools.verify.replies import Rows, Statement
from tools.verify.results import Project, findings_of, rows_table
from tools.verify.worker import DbtWorker

KEPT = "specmill_kept"
"""The schema of a scratch database that holds copies of tables as they were."""

SHOWN_ROWS = 5


@dataclass(frozen=True)
class Table:
    """A table or view as the database has it: columns as (name, type).

    The catalog is part of its name, as a schema may be called what DuckDB calls a catalog
    (``temp``, ``system``).
    """

    catalog: str
    schema: str
    name: str
    columns: tuple[tuple[str, str], ...] = ()

    @property
    def sql(self) -> str:
        """The table as SQL."""
        return f"{identifier(self.catalog)}.{self.local}"

    @property
    def local(self) -> str:
        """The table as SQL, without its catalog."""
        return f"{identifier(self.schema)}.{identifier(self.name)}"

    def compared(self) -> tuple[str, ...]:
        """The columns that say what is so; a leading underscore marks how it came there."""
        return tuple(identifier(c) for c, _ in self.columns if not c.startswith("_"))


@dataclass(frozen=True)
class Difference:
    """Rows that one of two tables has and the other has not, with how many there are."""

    expected: Rows
    expected_count: int
    found: Rows
    found_count: int

    def __bool__(self) -> bool:
        return bool(self.expected_count or self.found_count)


class LoadFailed(Exception):
    """A dbt run on made-up changes failed; ``message`` says how."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Scratch:
    """One scratch database.

    Args:
        base: the database that it starts from; it is only read.
        folder: where the scratch database goes, under the name of the base.
        worker: the process that holds the file.
        project: the dbt project.
        sources: the source tables, as (schema, name) in lower case, when nothing else is to be
            there; otherwise the whole base is copied.
    """

    def __init__(
        self,
        base: Path,
        folder: Path,
        worker: DbtWorker,
        project: Project,
        *,
        sources: Collection[tuple[str, str]] | None = None,
    ) -> None:
        self.base, self.worker, self.project = base, worker, project
        self.database = folder / base.name
        self.runs = 0
        try:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            if sources is None:
                shutil.copyfile(base, self.database)
        except OSError as error:
            raise ProgramMissing(
                f"the database cannot be copied: {error.strerror or error}",
                f"free some disk space, or make {folder} writable",
            ) from error
        if sources is not None:
            self._take(sources)

    def _take(self, sources: Collection[tuple[str, str]]) -> None:
        """Copies the source tables of the base."""
        tables = tables_there(self.worker, self.base, list(sources))
        schemas = dict.fromkeys([KEPT, *(t.schema for t in tables)])
        self.sql(
            f"attach {literal(str(self.base))} as base (read_only)",
            *(
                f"create schema if not exists {identifier(self.base.stem)}.{identifier(s)}"
                for s in schemas
            ),
            *(f"create table {t.sql} as select * from base.{t.local}" for t in tables),
        )

    def sql(self, *statements: Statement) -> tuple[Rows, ...]:
        """Runs statements on the scratch database."""
        return self.worker.sql(self.database, statements)

    def run(self, models: Sequence[str], at: dt.datetime, *, full_refresh: bool = False) -> None:
        """One load of models and what they read, as if it happened at a moment (UTC).

        Raises:
            LoadFailed: dbt reports an error.
        """
        options = ["--full-refresh"] if full_refresh else []
        if self.runs:  # views are there since the first run and show the new rows by themselves
            options += ["--exclude", "config.materialized:view"]
        self.runs += 1
        run = self.worker.dbt(
            ["run", "--no-write-json", *options, *selection(models)],
            moment(at),
            project=self.project.root,
            database=self.database,
        )
        expect_database(run, self.database)
        if not run.success:
            found = findings_of(run, self.project)
            raise LoadFailed(found[0].message if found else "dbt run failed")

    def table(self, schema: str, name: str) -> Table | None:
        """A table or view with its columns, None when it is not there."""
        return self.tables([(schema, name)]).get(name.lower())

    def tables(self, names: Sequence[tuple[str, str]]) -> dict[str, Table]:
        """Tables and views by lower-case name, those that are there."""
        return tables_of(self.worker, self.database, names)

    def keep(self, table: Table, label: str) -> str:
        """The statement that keeps a copy of a table as it is now."""
        return f"create or replace table {kept(table, label)} as select * from {table.sql}"

    def difference(self, table: Table, label: str) -> Difference:
        """How a table differs from the copy that was kept of it."""
        return _difference(self.sql, table, kept(table, label), table.sql)

    def difference_from(self, other: Path, table: Table, theirs: str) -> Difference:
        """How a table differs from one in another database file (SQL name without catalog)."""

        def ask(*statements: Statement) -> tuple[Rows, ...]:
            attach = f"attach {literal(str(other))} as other (read_only)"
            return self.sql(attach, *statements)[1:]

        return _difference(ask, table, f"other.{theirs}", table.sql)


def tables_of(
    worker: DbtWorker, database: Path, names: Sequence[tuple[str, str]]
) -> dict[str, Table]:
    """Tables and views of a database by lower-case name, those that are there."""
    return {t.name.lower(): t for t in tables_there(worker, database, names)}


def tables_there(
    worker: DbtWorker, database: Path, names: Sequence[tuple[str, str]]
) -> tuple[Table, ...]:
    """Those of the tables and views, given as (schema, name), that are in a database."""
    wanted = {(s.lower(), n.lower()) for s, n in names}
    ask = (
        "select table_schema, table_name, column_name, data_type "
        "from information_schema.columns where table_catalog = current_database() "
        "order by table_schema, table_name, ordinal_position"
    )
    rows = worker.sql(database, [ask])[0].rows
    found: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for schema, name, column, kind in rows:
        if (schema.lower(), name.lower()) in wanted:
            found.setdefault((schema, name), []).append((column, kind))
    return tuple(Table(database.stem, s, n, tuple(c)) for (s, n), c in found.items())


def kept(table: Table, label: str) -> str:
    """The name of a kept copy, as SQL."""
    return f"{KEPT}.{identifier(f'{label}__{table.name}')}"


def _difference(
    ask: Callable[..., tuple[Rows, ...]], table: Table, expected: str, found: str
) -> Difference:
    columns = ", ".join(table.compared())
    one = f"(select {columns} from {expected} except all select {columns} from {found})"
    two = f"(select {columns} from {found} except all select {columns} from {expected})"
    statements = []
    for part in (one, two):
        statements.append(f"select count(*) from {part}")
        statements.append(f"select * from {part} order by all limit {SHOWN_ROWS}")
    first_count, first, second_count, second = ask(*statements)
    return Difference(first, int(first_count.rows[0][0]), second, int(second_count.rows[0][0]))


def set_rows(table: Table, rows: Sequence[Mapping[str, str | None]]) -> str:
    """The statement that gives a source table these rows and no others.

    Args:
        table: with its column types.
        rows: text by column name; what is missing is NULL.
    """
    names = [c for c, _ in table.columns]
    casts = ", ".join(
        f"cast(v{i} as {kind}) as {identifier(name)}"
        for i, (name, kind) in enumerate(table.columns)
    )
    marks = ", ".join(f"v{i}" for i in range(len(names)))
    lines = ", ".join(
        "(" + ", ".join(f"cast({literal(row.get(n))} as varchar)" for n in names) + ")"
        for row in rows or [{}]
    )
    none = " where false" if not rows else ""
    return (
        f"create or replace table {table.sql} as "
        f"select {casts} from (values {lines}) as given({marks}){none}"
    )


def evidence_of(found: Difference, project: Project) -> str:
    """The rows that differ, at most a few of each side."""
    parts = []
    for title, rows, count in (
        ("expected, not found", found.expected, found.expected_count),
        ("found, not expected", found.found, found.found_count),
    ):
        if count:
            table = rows_table(rows.columns, rows.rows, project.personal)
            parts.append(f"{title} ({count}):\n{table}")
    return "\n".join(parts)
