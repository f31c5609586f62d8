"""The ``spec.json`` form: models as column mappings, joins and filters in BigQuery's dialect."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any

from tools.spec.importers.base import DataForm, Imported, name_from, note, place, refuse_with
from tools.spec.importers.mapped_model import convert_model
from tools.spec.importers.mapped_shape import MappedSpec
from tools.spec.importers.mapped_view import DIALECT, Draft
from tools.spec.positions import Document

_GENERIC = ("spec", "specs", "pipeline", "model", "models", "index", "main")
_SCHEMAS = {
    "raw": "raw_schema",
    "staging": "staging_schema",
    "intermediate": "intermediate_schema",
    "marts": "final_schema",
}
_MARKS = {"column_mapping", "constraints", "sources", "filters"}


def _recognises(data: Mapping[str, Any]) -> bool:
    if "pipeline" in data or "models" not in data:
        return False
    models = data["models"] if isinstance(data["models"], list) else []
    return "schema" in data or any(isinstance(m, dict) and _MARKS & set(m) for m in models)


def _convert(form: MappedSpec, document: Document, file: FilePath) -> Imported:
    imported = Imported({"pipeline": _name(file), "dialect": DIALECT, "sources": [], "models": []})
    draft = Draft(form, document, imported)
    _declare_sources(draft)
    for key, theirs in _SCHEMAS.items():
        if getattr(form.schema_, theirs):
            imported.data.setdefault("schemas", {})[key] = getattr(form.schema_, theirs)
            imported.origins["schemas", key] = ("schema", theirs)
    imported.origins["schemas",] = ("schema",)
    imported.origins["models",] = ("models",)
    head = f"read the spec.json form: pipeline {imported.data['pipeline']}, dialect {DIALECT}"
    imported.notes.append(note(head, place(document, ())))
    for index, shape in enumerate(form.models):
        for part, origin in _parts(index).items():
            imported.origins["models", index, *part] = origin
        imported.data["models"].append(convert_model(draft, index, shape))
    if draft.findings:
        refuse_with(draft.findings, "spec (spec.json form)")
    return imported


def _parts(index: int) -> dict[tuple[str, ...], tuple[str | int, ...]]:
    """Where the parts of a canonical model stand in the form."""
    model = ("models", index)
    return {
        (): model,
        ("name",): (*model, "name"),
        ("from",): (*model, "sources"),
        ("grain",): (*model, "constraints"),
        ("columns",): (*model, "column_mapping"),
        ("aggregations",): (*model, "aggregations"),
        ("group_by",): (*model, "group_by"),
        ("joins",): (*model, "joins"),
        ("where",): (*model, "filters"),
        ("load",): (*model, "constraints"),
        ("physical",): (*model, "constraints"),
    }


def _name(file: FilePath) -> str:
    """The file's name; its folder's where the file's says nothing."""
    generic = file.stem.lower() in _GENERIC and file.parent.name
    return name_from(file.parent.name if generic else file.stem)


def _declare_sources(draft: Draft) -> None:
    """One source for each prefix of the references that are no models, with its tables."""
    sources: dict[str, dict[str, Any]] = {}
    for index, model in enumerate(draft.form.models):
        for position, reference in enumerate(model.sources):
            prefix, dot, table = reference.partition(".")
            if not dot or reference in draft.tables:
                continue
            name = name_from(prefix)
            if name != prefix:
                path = ("models", index, "sources", position)
                hint = "use letters, digits and _ before the dot"
                draft.error("SPEC-IMPORT", f"{prefix!r} cannot name a source", path, hint)
            source = sources.setdefault(name, {"name": name, "system": "warehouse", "tables": []})
            number = list(sources).index(name)
            origin = ("models", index, "sources", position)
            draft.imported.origins.setdefault(("sources", number), origin)
            draft.imported.origins["sources", number, "tables", len(source["tables"])] = origin
            draft.tables[reference] = {"name": table}
            source["tables"].append(draft.tables[reference])
    draft.imported.data["sources"] = list(sources.values())


FORMS = (DataForm("spec.json form", MappedSpec, _recognises, _convert),)
