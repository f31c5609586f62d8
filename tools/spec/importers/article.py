"""The short forms: ``pipeline_spec:`` (one table to one table) and ``source:`` (tables only)."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Any, Literal

from pydantic import Field

from tools.errors import InputError
from tools.findings import Finding, Severity
from tools.spec.base import Name, Names, Part, SourceName
from tools.spec.context import Platform
from tools.spec.importers.base import DataForm, Imported, name_from, note, place
from tools.spec.positions import Document, Path


class _Step(Part):
    load_strategy: Literal["full", "append", "incremental", "scd1", "scd2"]
    effective_at: SourceName | None = None
    cursor: SourceName | None = None
    track: Names = []


class _Source(Part):
    system: str = Field(min_length=1, max_length=63)
    table: SourceName
    description: str = ""


class _Transformation(Part):
    logic: list[str | _Step] = []


class _Target(Part):
    platform: Platform
    table: Name
    schema_: str | None = Field(default=None, alias="schema", max_length=127)


class _Validation(Part):
    primary_key: Names = []


class _Pipeline(Part):
    description: str = ""
    owner: str | None = Field(default=None, max_length=127)
    source: _Source
    transformation: _Transformation = _Transformation()
    target: _Target
    validation: _Validation = _Validation()


class _PipelineForm(Part):
    pipeline_spec: _Pipeline


class _Tables(Part):
    system: str = Field(min_length=1, max_length=63)
    tables: Names = Field(min_length=1)
    description: str = ""


class _SourceForm(Part):
    source: _Tables


_KEYED = ("incremental", "scd1", "scd2")


def _convert_pipeline(form: _PipelineForm, document: Document, _file: FilePath) -> Imported:
    short, top = form.pipeline_spec, "pipeline_spec"
    source = name_from(short.source.system)
    step, rules = _steps(short.transformation.logic, document)
    load: dict[str, Any] = step.model_dump(exclude_defaults=True) if step else {}
    strategy = load.pop("load_strategy", "full")
    key = list(short.validation.primary_key)
    load = {"strategy": strategy, **({"key": key} if key and strategy in _KEYED else {}), **load}
    target: dict[str, Any] = {"platform": short.target.platform}
    if short.target.schema_:
        target["schema"] = short.target.schema_
    table: dict[str, Any] = {"name": short.source.table}
    imported = Imported(
        {
            "pipeline": short.target.table,
            **({"owner": short.owner} if short.owner else {}),
            "description": short.description,
            "sources": [
                {
                    "name": source,
                    "system": short.source.system,
                    "description": short.source.description,
                    "tables": [table],
                }
            ],
            "models": [
                {
                    "name": short.target.table,
                    "layer": "marts",
                    "grain": key,
                    "from": f"{source}.{short.source.table}",
                    "load": load,
                    "rules": rules,
                }
            ],
            "targets": {short.target.platform: target},
        },
        dict(_pipeline_origins(top, short.target.platform)),
    )
    _note_pipeline(imported, document, short, strategy)
    return imported


def _steps(logic: list[str | _Step], document: Document) -> tuple[_Step | None, list[str]]:
    """The one step that loads, and what is said in prose."""
    loads = [(i, step) for i, step in enumerate(logic) if isinstance(step, _Step)]
    if len(loads) > 1:
        where = place(document, ("pipeline_spec", "transformation", "logic", loads[1][0]))
        message = "a second load_strategy for the same table"
        finding = Finding("SPEC-VALUE", Severity.ERROR, message, where, hint="keep one of them")
        raise InputError(f"{where}: {message}", "keep one of them", (finding,))
    step = loads[0][1] if loads else None
    return step, [text for text in logic if isinstance(text, str)]


def _pipeline_origins(top: str, platform: str) -> list[tuple[Path, Path]]:
    model: Path = ("models", 0)
    return [
        (("pipeline",), (top, "target", "table")),
        (("owner",), (top, "owner")),
        (("description",), (top, "description")),
        (("sources",), (top, "source")),
        (("sources", 0), (top, "source", "system")),
        (("sources", 0, "tables", 0), (top, "source", "table")),
        (model, (top, "target", "table")),
        ((*model, "from"), (top, "source", "table")),
        ((*model, "grain"), (top, "validation", "primary_key")),
        ((*model, "load"), (top, "transformation", "logic")),
        ((*model, "load", "key"), (top, "validation", "primary_key")),
        ((*model, "load", "strategy"), (top, "transformation", "logic", 0, "load_strategy")),
        ((*model, "load", "track"), (top, "transformation", "logic", 0, "track")),
        ((*model, "load", "cursor"), (top, "transformation", "logic", 0, "cursor")),
        ((*model, "load", "effective_at"), (top, "transformation", "logic", 0, "effective_at")),
        ((*model, "rules"), (top, "transformation", "logic")),
        (("targets",), (top, "target")),
        (("targets", platform), (top, "target", "platform")),
    ]


def _note_pipeline(imported: Imported, document: Document, short: _Pipeline, load: str) -> None:
    table = short.target.table
    model = imported.data["models"][0]
    said: list[tuple[str, Path]] = [
        (
            f"read the short form: the pipeline is named after its table, {table}",
            ("target", "table"),
        ),
        (f"{model['from']} is the source of the model {table} (layer marts)", ("source", "table")),
        (
            f"the target {short.target.platform} is kept; the run proves the DuckDB form",
            ("target", "platform"),
        ),
    ]
    if model["grain"]:
        key = ", ".join(model["grain"])
        said.append((f"grain and key are {key}", ("validation", "primary_key")))
    if load != "full" or short.transformation.logic:
        said.append((f"load strategy {load}", ("transformation", "logic")))
    for text, path in said:
        imported.notes.append(note(text, place(document, ("pipeline_spec", *path))))


def _convert_source(form: _SourceForm, document: Document, _file: FilePath) -> Imported:
    short = form.source
    source = name_from(short.system)
    imported = Imported(
        {
            "pipeline": source,
            "description": short.description,
            "sources": [
                {
                    "name": source,
                    "system": short.system,
                    "tables": [{"name": table} for table in short.tables],
                }
            ],
            "models": [
                {
                    "name": f"stg_{source}__{name_from(table)}",
                    "layer": "staging",
                    "from": f"{source}.{table}",
                }
                for table in short.tables
            ],
        },
        {
            ("pipeline",): ("source", "system"),
            ("sources",): ("source",),
            ("sources", 0): ("source", "system"),
            ("models",): ("source", "tables"),
        },
    )
    head = f"read the short form: pipeline and source are named after the system, {source}"
    imported.notes.append(note(head, place(document, ("source", "system"))))
    for index, model in enumerate(imported.data["models"]):
        origin: Path = ("source", "tables", index)
        imported.origins["sources", 0, "tables", index] = origin
        imported.origins["models", index] = origin
        text = f"no model is declared: {model['name']} takes every column of {model['from']}"
        imported.notes.append(
            note(f"{text} (layer staging, loaded in full)", place(document, origin))
        )
    return imported


FORMS = (
    DataForm(
        "pipeline_spec form", _PipelineForm, lambda d: "pipeline_spec" in d, _convert_pipeline, True
    ),
    DataForm(
        "source form",
        _SourceForm,
        lambda d: "source" in d and not {"pipeline", "sources", "models"} & set(d),
        _convert_source,
        True,
    ),
)
