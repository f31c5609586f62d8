"""What a spec leaves out about its source tables, filled in and said to be so.

Columns come from DDL beside the spec, else from a data file, else from what the spec itself
names; each is an open question with its assumption. Tables that declare columns are left alone.
The result depends on the spec, the DDL and the data files' columns only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tools.errors import InputError
from tools.findings import Finding, Severity
from tools.spec.assume import LOADED_AT, assume, cursor_by_convention, load_column
from tools.spec.context import OpenQuestion
from tools.spec.load import LoadedSpec
from tools.spec.model import Spec
from tools.spec.positions import Path as SpecPath
from tools.spec.readings import Reading, find_data, read_data, read_ddl
from tools.spec.source import Source, SourceTable
from tools.spec.suggest import did_you_mean
from tools.spec.transform import Model
from tools.sql.parse import known_dialects

# Names under which extraction tools write the time of the load.
_LOAD_TIMES = (LOADED_AT, "loaded_at", "_ingested_at", "_fivetran_synced", "_sdc_batched_at")
_MOMENT = re.compile(r"timestamp|datetime|date", re.IGNORECASE)


@dataclass
class _Work:
    """The spec while it is filled in, and what there is to say about it."""

    loaded: LoadedSpec
    roots: tuple[Path, ...]
    spec: Spec
    questions: list[tuple[OpenQuestion, SpecPath]] = field(default_factory=list)
    notes: list[Finding] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def folders(self) -> tuple[Path, ...]:
        return (self.loaded.file.parent, *self.roots)

    def ask(self, about: str, question: str, assumption: str, path: SpecPath) -> None:
        """An open question, once."""
        asked = OpenQuestion(about=about, question=question, assumption=assumption)
        if asked not in self.spec.open_questions:
            self.questions.append((asked, path))

    def note(self, message: str, path: SpecPath) -> None:
        where = self.loaded.at(*path)
        self.notes.append(Finding("SPEC-RESOLVE", Severity.NOTE, message, where))


def resolve(loaded: LoadedSpec, roots: Sequence[Path]) -> LoadedSpec:
    """The spec with the columns of its bare source tables filled in.

    Args:
        loaded: a spec.
        roots: folders to look for DDL and data files in, after the spec's own.

    Raises:
        InputError: a DDL or data file that is there cannot be read; all of them are named.
    """
    work = _Work(loaded, tuple(roots), loaded.spec)
    _expect_dialect(loaded)
    read: dict[str, list[tuple[str, str]]] = {}
    for i, source in enumerate(loaded.spec.sources):
        for j, table in enumerate(source.tables):
            _expect_data(work, table, ("sources", i, "tables", j))
            if table.columns:
                continue
            try:
                reading = _resolve_table(work, source, table, ("sources", i, "tables", j))
            except InputError as error:
                work.findings.extend(error.findings)
                continue
            if reading.how == "ddl":
                read.setdefault(source.name, []).append((table.name, reading.shown))
    if work.findings:
        count = len(work.findings)
        summary = f"{loaded.path}: {count} source files cannot be used"
        raise InputError(summary, "correct the files listed", tuple(work.findings))
    for name, tables in read.items():
        _ask_about_ddl(work, name, tables)
    return _finished(work)


def _expect_dialect(loaded: LoadedSpec) -> None:
    dialect = loaded.spec.dialect
    if dialect in known_dialects():
        return
    where, hint = loaded.at("dialect"), did_you_mean(dialect, known_dialects())
    message = f"unknown SQL dialect {dialect!r}"
    finding = Finding("SPEC-VALUE", Severity.ERROR, message, where, hint=hint)
    raise InputError(f"{where}: {message}", hint, (finding,))


def data_file(
    loaded: LoadedSpec, source: Source, table: SourceTable, roots: Sequence[Path]
) -> Path | None:
    """The file with a table's development rows.

    The ``data`` of the table, else ``data/<table>.csv`` (or json, parquet): beside the spec file,
    then under each root. None when there is no such file.
    """
    found = find_data(source, table, loaded.file.parent, roots)
    return found[0] if found else None


def _expect_data(work: _Work, table: SourceTable, path: SpecPath) -> None:
    if table.data is None or any((folder / table.data).is_file() for folder in work.folders):
        return
    where = work.loaded.at(*path, "data")
    message = f"no data file {table.data!r} beside the spec or in the workspace"
    hint = "correct the path, or remove data: to have rows made"
    work.findings.append(Finding("SPEC-FILE", Severity.ERROR, message, where, hint=hint))


def _resolve_table(work: _Work, source: Source, table: SourceTable, path: SpecPath) -> Reading:
    reference, dialect = f"{source.name}.{table.name}", work.spec.dialect
    readers = [m for m in work.spec.models if m.from_ == reference]
    key = next((k for m in readers if (k := _source_key(m))), ())
    reading = (
        read_ddl(source, table, dialect, work.folders)
        or read_data(source, table, dialect, work.loaded.file.parent, work.roots)
        or assume(work.spec, source, table, key)
    )
    known = {c.name.lower(): c.name for c in reading.columns}
    if not table.primary_key and not reading.primary_key and key:
        named = tuple(known[k.lower()] for k in key if k.lower() in known)
        reading = replace(reading, primary_key=named if len(named) == len(key) else ())
    filled = _filled(table, reading, source)
    _replace_table(work, path, filled)
    _say_columns(work, source, filled, reading, path)
    for model in readers:
        _complete_model(work, source, model, path)
    return reading


def _filled(table: SourceTable, reading: Reading, source: Source) -> SourceTable:
    primary = list(table.primary_key) or list(reading.primary_key)
    keys = {name.lower() for name in primary}
    columns = [
        c.model_copy(update={"nullable": False}) if c.name.lower() in keys else c
        for c in reading.columns
    ]
    update: dict[str, Any] = {"columns": columns, "primary_key": primary}
    if reading.how == "assumed":
        update["loaded_at"] = table.loaded_at or LOADED_AT
        update["cursor"] = table.cursor or cursor_by_convention(source)
    return table.model_copy(update=update)


def _source_key(model: Model) -> tuple[str, ...]:
    """The columns of a model's table that its own key is, where they pass through unchanged."""
    if (
        model.is_aggregate
        or model.dedupe
        or any(j.cardinality in ("one_to_many", "many_to_many") for j in model.joins)
    ):
        return ()
    names = []
    for name in model.load.key or model.grain:
        output = next((c for c in model.columns if c.name.lower() == name.lower()), None)
        if output is None:
            if model.columns:
                return ()
            names.append(name)
            continue
        table, _, column = (output.from_ or output.name).rpartition(".")
        if output.expr or table not in ("", model.alias):
            return ()
        names.append(column)
    return tuple(names)


def _complete_model(work: _Work, source: Source, model: Model, path: SpecPath) -> None:
    """The key of a model that passes a table through, and the time at which its changes count."""
    index = next(i for i, m in enumerate(work.spec.models) if m.name == model.name)
    table = _table_at(work.spec, path)
    passes = not (model.columns or model.joins or model.is_aggregate or model.grain)
    if passes and table.primary_key:
        _replace_model(work, index, model.model_copy(update={"grain": list(table.primary_key)}))
    load = model.load
    if load.strategy != "scd2":
        return
    if load.effective_at is None:
        moment = _load_time(work, table, path)
        changed = load.model_copy(update={"effective_at": moment})
        current = work.spec.models[index]
        _replace_model(work, index, current.model_copy(update={"load": changed}))
        _ask_about_time(work, source, model.name, moment, path)
    if table.extract == "full" and table.deletes.how == "none":
        work.ask(
            f"{source.name}.{table.name}",
            f"is a row that is gone from {table.name} deleted? Its deletes are not declared",
            "a row that disappears from the extract is not treated as deleted",
            path,
        )


def _load_time(work: _Work, table: SourceTable, path: SpecPath) -> str:
    """The load timestamp of a table, declared if it is not there yet."""
    names = [table.loaded_at] if table.loaded_at else list(_LOAD_TIMES)
    found = next((c.name for n in names if (c := table.column(n))), None)
    name = found or table.loaded_at or LOADED_AT
    columns = list(table.columns)
    if found is None:
        columns.append(load_column(name, work.spec.dialect))
    _replace_table(work, path, table.model_copy(update={"columns": columns, "loaded_at": name}))
    return name


def _ask_about_time(work: _Work, source: Source, model: str, moment: str, path: SpecPath) -> None:
    table = _table_at(work.spec, path)
    candidates = [c.name for c in table.columns if _MOMENT.match(c.type) and c.name != moment]
    named = f"candidates: {', '.join(candidates)}" if candidates else "no column is known to say so"
    question = f"when does a change of {source.name}.{table.name} take effect? {named}"
    assumption = f"when it is loaded ({moment})"
    work.ask(f"{model}.effective_at", question, assumption, path)
    work.note(f"{model}: changes take effect at the load timestamp {moment}", path)


def _say_columns(
    work: _Work, source: Source, table: SourceTable, reading: Reading, path: SpecPath
) -> None:
    """A note on where the columns are from; the question too, but for DDL (one a source)."""
    reference = f"{source.name}.{table.name}"
    columns = ", ".join(f"{c.name} {c.type}" for c in table.columns)
    key = f"; key {', '.join(table.primary_key)}" if table.primary_key else ""
    if reading.how == "ddl":
        work.note(f"columns of {reference} were read off {reading.shown}", path)
        return
    if reading.how == "data":
        work.note(f"columns of {reference} were read off {reading.shown}", path)
        question = f"are the columns of {table.name} as in {reading.shown}? None are declared"
        assumption = f"columns of {table.name} were read off {reading.shown}: {columns}{key}"
    else:
        work.note(f"columns of {reference} are assumed: {columns}", path)
        question = f"which columns does {reference} have? None are declared, in DDL or in data"
        assumption = f"{columns}{key}"
    work.ask(reference, question, assumption, path)


def _ask_about_ddl(work: _Work, source: str, tables: list[tuple[str, str]]) -> None:
    names = ", ".join(name for name, _ in tables)
    folders = ", ".join(dict.fromkeys(f"{shown.rpartition('/')[0]}/" for _, shown in tables))
    index = next(i for i, s in enumerate(work.spec.sources) if s.name == source)
    question = f"is the DDL in {folders} what {source} holds? The spec declares no columns"
    assumption = f"yes: the columns of {names} were read off it"
    work.ask(source, question, assumption, ("sources", index))


def _table_at(spec: Spec, path: SpecPath) -> SourceTable:
    _, i, _, j = path
    return spec.sources[int(i)].tables[int(j)]


def _replace_table(work: _Work, path: SpecPath, table: SourceTable) -> None:
    i, j = int(path[1]), int(path[3])
    sources = list(work.spec.sources)
    tables = list(sources[i].tables)
    tables[j] = table
    sources[i] = sources[i].model_copy(update={"tables": tables})
    work.spec = work.spec.model_copy(update={"sources": sources})


def _replace_model(work: _Work, index: int, model: Model) -> None:
    models = list(work.spec.models)
    models[index] = model
    work.spec = work.spec.model_copy(update={"models": models})


def _finished(work: _Work) -> LoadedSpec:
    questions = list(work.spec.open_questions)
    positions = dict(work.loaded.positions)
    for question, path in work.questions:
        where = work.loaded.at(*path)
        positions["open_questions", len(questions)] = (where.line, where.column)
        questions.append(question)
    spec = work.spec.model_copy(update={"open_questions": questions})
    notes = (*work.loaded.notes, *work.notes)
    return replace(work.loaded, spec=spec, notes=notes, positions=positions)
