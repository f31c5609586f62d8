"""Source tables in the database: from data files, else from rows that specmill makes up.

Everything is loaded as text first and cast in the database, so that a value that does not fit its
declared type is named with file, line and column. Tables are replaced, so nothing of an earlier
run stays but the memory of when a content was first loaded.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tools.findings import Finding, Location, Report, Severity
from tools.spec.load import LoadedSpec
from tools.spec.resolve import data_file
from tools.spec.suggest import did_you_mean
from tools.sql.render import literal
from tools.verify.data_declared import Declared, declared_tables, target_of
from tools.verify.data_files import Reading, Unreadable, diagnose, read
from tools.verify.data_load import Plan, Target, findings_of, statements
from tools.verify.data_made_up import sampled
from tools.verify.data_times import LoadTimes
from tools.verify.replies import Rows
from tools.verify.worker import DatabaseError, DbtWorker


@dataclass(frozen=True)
class LoadedTable:
    """A source table that is in the database now."""

    source: str
    table: str
    origin: Literal["file", "sample"]
    path: str
    rows: int


@dataclass(frozen=True)
class Loading:
    """What was loaded, and what is to be said about it."""

    report: Report
    tables: tuple[LoadedTable, ...] = ()

    @property
    def made_up(self) -> bool:
        """Whether any table holds made-up rows."""
        return any(t.origin == "sample" for t in self.tables)


def load_sources(
    specs: Sequence[LoadedSpec],
    roots: Sequence[Path],
    *,
    worker: DbtWorker,
    database: Path,
    now: dt.datetime,
) -> Loading:
    """Loads every source table of the specs.

    Args:
        specs: the spec that is built, and those whose models it reads.
        roots: folders under which data files are looked for.
        worker: the process that holds the database.
        database: the DuckDB file.
        now: the moment of the load, UTC; recorded for content that was not there before.

    Returns:
        the tables, and findings about the data: they point at the data, not at the code.
    """
    declared = declared_tables(specs)
    shared = worker.state / "dbt"  # a worker in a cage sees no other place for passing things
    shared.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="specmill-data-", dir=shared) as folder:
        scratch = Path(folder)
        plans: list[Plan] = []
        findings: list[Finding] = []
        without: list[Declared] = []
        for item in declared:
            file = data_file(item.loaded, item.source, item.table, roots)
            if file is None:
                without.append(item)
                continue
            plan, found = _plan_of_file(item, file, scratch, worker, database)
            findings += found
            plans += [plan] if plan else []
        known = LoadTimes(worker, database, now)
        done, said = _load(plans, known)
        findings += said
        if without and not any(f.severity is Severity.ERROR for f in findings):
            made, said = sampled(specs[0].digest, without, declared, scratch, known)
            findings += said
            more, said = _load(made, known)
            done, findings = (*done, *more), [*findings, *said]
    return Loading(Report.of(findings), tuple(done))


def _plan_of_file(
    item: Declared, file: Path, scratch: Path, worker: DbtWorker, database: Path
) -> tuple[Plan | None, list[Finding]]:
    """How a file becomes the table; None when it cannot."""
    shown = shown_path(file)
    target = target_of(item, database.stem)
    if isinstance(target, Finding):
        return None, [target]
    names = [c[0] for c in target.columns]

    def parquet_columns(path: Path) -> Sequence[str]:
        try:
            ask = f"select column_name from (describe from read_parquet({literal(str(path))}))"
            return [str(r[0]) for r in worker.sql(database, [ask])[0].rows]
        except DatabaseError as error:
            raise Unreadable(f"is not Parquet: {error.message.splitlines()[0]}") from error

    try:
        reading = read(file, names, scratch, parquet_columns)
    except Unreadable as error:
        return None, [_unreadable(item, shown, error)]
    found = _compare_columns(item, target, reading, shown)
    if any(f.severity is Severity.ERROR for f in found):
        return None, found
    return Plan(target, reading, shown), found


def _unreadable(item: Declared, shown: str, error: Unreadable) -> Finding:
    return Finding(
        "DATA006", Severity.ERROR, f"data of {item.table.name} {error.message}",
        Location(shown, error.line), error.hint or "correct the file", subject=item.table.name,
    )  # fmt: skip


def _compare_columns(item: Declared, target: Target, reading: Reading, shown: str) -> list[Finding]:
    """Columns that the file lacks or has beyond the declared ones."""
    has = {c.lower() for c in reading.columns}
    declared = {c[0].lower() for c in target.columns}
    findings = []
    top = Location(shown, 1)
    for name, *_ in target.columns:
        if name.lower() in has or name == target.loaded_at:
            continue
        similar = did_you_mean(name, [c for c in reading.columns if c.lower() not in declared])
        findings.append(Finding(
            "DATA001", Severity.ERROR, f"column {name!r} of {item.table.name} is not in the file",
            top, similar or "add it to the file, or take it out of the spec",
            subject=f"{item.table.name}.{name}",
        ))  # fmt: skip
    for name in reading.columns:
        if name.lower() in declared:
            continue
        frozen = item.table.schema_contract.columns == "freeze"
        similar = did_you_mean(name, [c[0] for c in target.columns if c[0].lower() not in has])
        findings.append(Finding(
            "DATA002", Severity.ERROR if frozen else Severity.NOTE,
            f"column {name!r} is not declared for {item.table.name}"
            + ("" if frozen else " and is left out"),
            top, similar or "declare it in the spec, or set schema_contract.columns to evolve",
            subject=f"{item.table.name}.{name}",
        ))  # fmt: skip
    return findings


def _load(plans: Sequence[Plan], known: LoadTimes) -> tuple[tuple[LoadedTable, ...], list[Finding]]:
    """Loads in one request; a file that the database refuses is named, the others go on."""
    findings: list[Finding] = []
    left = list(plans)
    while left:
        batches = [statements(p, known.loaded_at(p.qualified, p.reading.sha256)) for p in left]
        flat = [s for batch in batches for s in batch]
        try:
            results = known.worker.sql(known.database, flat)
        except DatabaseError as error:
            refused = next((p for p in left if p.reading.relation in error.statement), left[0])
            findings.append(_refused(refused, error))
            left.remove(refused)
            continue
        done = _tables_of(left, batches, results, findings)
        known.remember((p.qualified, p.reading.sha256) for p in left)
        return done, findings
    return (), findings


def _tables_of(
    plans: Sequence[Plan],
    batches: Sequence[Sequence[str]],
    results: Sequence[Rows],
    findings: list[Finding],
) -> tuple[LoadedTable, ...]:
    done, at = [], 0
    for plan, batch in zip(plans, batches, strict=True):
        rows, said = findings_of(plan, results[at : at + len(batch)])
        findings += said
        at += len(batch)
        done.append(LoadedTable(plan.target.schema, plan.target.name, plan.origin, plan.path, rows))
    return tuple(done)


def _refused(plan: Plan, error: DatabaseError) -> Finding:
    cause = diagnose(plan.reading) or Unreadable(error.message.splitlines()[0])
    return Finding(
        "DATA006", Severity.ERROR, f"data of {plan.target.name} {cause.message}",
        Location(plan.path, cause.line), cause.hint or "correct the file",
        evidence=error.message[:1500], subject=plan.target.name,
    )  # fmt: skip


def shown_path(file: Path) -> str:
    """A file as people see it: relative to the working folder when it is inside."""
    try:
        return file.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return file.as_posix()
