"""The examples of rules: small texts to subjects that a rule can be evaluated on.

An ``sql`` example is a query; it becomes the generated model ``dim_order``, or the file that a
first line ``-- path: models/staging/stg_shop__order.sql`` names.

A ``yaml`` example is a fragment that is merged into :data:`BASE`, a small valid spec (mappings are
merged, lists replaced), with these keys beside those of a spec:

- ``model:``, ``column:``, ``table:``: merged into the base's one mart, its second column, its order
  table;
- ``files:``: generated files, path (below ``generated/dbt``) to text or to what its YAML says;
- ``previous:``: a fragment like the example itself: the spec before the change;
- ``changed:``: changed files, a list of ``{path, before, after}``, each text or YAML;
- ``plan:``: a list of steps; the plan of the spec by default.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tools import layout
from tools.artifact import Artifact
from tools.errors import InputError
from tools.findings import Finding, Severity
from tools.plan import Plan, Step, make_plan
from tools.rules.article import Example
from tools.rules.subject import Change, Subject
from tools.spec.explain import explain
from tools.spec.load import LoadedSpec
from tools.spec.model import Spec
from tools.spec.positions import read_document

SPEC_PATH = "specs/example.yaml"

_NO_DAY = dt.date.min  # examples are judged without waivers, so no day matters

BASE: Mapping[str, Any] = {
    "pipeline": "example",
    "version": "1.0.0",
    "owner": "sales-data",
    "description": "Orders with their customers.",
    "sources": [
        {
            "name": "shop",
            "system": "postgres",
            "connection": "env:SHOP_DSN",
            "tables": [
                {
                    "name": "order",
                    "columns": [
                        {"name": "order_id", "type": "bigint", "nullable": False},
                        {"name": "customer_id", "type": "bigint"},
                        {"name": "status", "type": "varchar"},
                        {"name": "amount", "type": "decimal(18, 2)"},
                        {"name": "updated_at", "type": "timestamp"},
                    ],
                    "primary_key": ["order_id"],
                    "cursor": "updated_at",
                },
                {
                    "name": "customer",
                    "columns": [
                        {"name": "customer_id", "type": "bigint", "nullable": False},
                        {"name": "email", "type": "varchar", "pii": True},
                        {"name": "country", "type": "varchar"},
                    ],
                    "primary_key": ["customer_id"],
                },
                {
                    "name": "item",
                    "columns": [
                        {"name": "order_id", "type": "bigint", "nullable": False},
                        {"name": "line", "type": "integer", "nullable": False},
                        {"name": "quantity", "type": "integer"},
                    ],
                    "primary_key": ["order_id", "line"],
                },
            ],
        }
    ],
    "models": [
        {
            "name": "dim_order",
            "layer": "marts",
            "description": "One row an order.",
            "grain": ["order_id"],
            "from": "shop.order",
            "columns": [
                {"name": "order_id", "nullable": False, "description": "The order."},
                {"name": "status", "description": "What it waits for."},
            ],
        }
    ],
}
"""The spec that examples are merged into."""

_OWN_KEYS = ("model", "column", "table", "files", "previous", "changed", "plan")


def subject_of(example: Example, on: str) -> Subject:
    """The subject that an example describes.

    Args:
        example: a ``pass`` or ``fail`` block.
        on: what its rule looks at; only a rule on the plan pays for one.

    Raises:
        InputError: the example is no YAML, or what it describes is not valid.
    """
    if example.language == "sql":
        artifact = _sql_artifact(example.text)
        return Subject(_loaded(_spec({}, example)), None, (artifact,), today=_NO_DAY)
    data = _mapping(example)
    spec = _spec(data, example)
    loaded = _loaded(spec)
    plan = _plan(data, spec, example) if on == "plan" else None
    files, changed = tuple(_files(data, example)), tuple(_changes(data, spec, example))
    return Subject(loaded, plan, files, changed, today=_NO_DAY)


def _refuse(example: Example, message: str, line: int = 0, hint: str = "") -> InputError:
    where = replace(example.location, line=line or example.location.line)
    text = f"this {example.expects} example {message}"
    finding = Finding("CON010", Severity.ERROR, text, where, hint)
    return InputError(f"{where}: {text}", hint, (finding,))


def _mapping(example: Example) -> dict[str, Any]:
    try:
        document = read_document("\n" * example.location.line + example.text, example.location.path)
    except InputError as error:
        found = error.findings[0]
        line = found.location.line if found.location else 0
        raise _refuse(example, f"cannot be read: {found.message}", line, found.hint) from error
    if document.findings:
        found = document.findings[0]
        line = found.location.line if found.location else 0
        raise _refuse(example, f"cannot be read: {found.message}", line, found.hint)
    if document.data is None:
        return {}
    if not isinstance(document.data, dict):
        raise _refuse(example, "is not a mapping")
    return document.data


def merged(base: Any, fragment: Any) -> Any:
    """Mappings merged key by key, anything else replaced."""
    if isinstance(base, dict) and isinstance(fragment, dict):
        return {k: merged(base.get(k), fragment[k]) if k in fragment else base[k] for k in base} | {
            k: v for k, v in fragment.items() if k not in base
        }
    return fragment


def _spec(data: Mapping[str, Any], example: Example) -> Spec:
    whole = merged(BASE, {k: v for k, v in data.items() if k not in _OWN_KEYS})
    whole = json.loads(json.dumps(whole))  # the base is shared: merge into a copy
    try:
        model, table = whole["models"][0], whole["sources"][0]["tables"][0]
        if "column" in data:
            model["columns"][1] = merged(model["columns"][1], data["column"])
        whole["models"][0] = merged(model, data.get("model", {}))
        whole["sources"][0]["tables"][0] = merged(table, data.get("table", {}))
    except (LookupError, TypeError) as error:
        message = "gives model:, column: or table: and replaces what they belong to"
        raise _refuse(example, message) from error
    try:
        return Spec.model_validate(whole)
    except ValidationError as error:
        found = explain(error.errors(), whole, Spec)[0]
        place = ".".join(str(part) for part in found.path)
        raise _refuse(
            example, f"does not make a valid spec: {place}: {found.message}", 0, found.hint
        ) from error


def _loaded(spec: Spec) -> LoadedSpec:
    return LoadedSpec(spec, SPEC_PATH, Path("/") / SPEC_PATH, (), {(): (1, 1)})


def _text(value: Any) -> str:
    """A file's text: as it is, or what it says as JSON, which is YAML too."""
    return value if isinstance(value, str) else json.dumps(value, indent=2)


def _path(path: str) -> str:
    inside = path.startswith(("generated/", "specs/", "custom/", "constitution/"))
    return path if inside else str(layout.DBT / path)


def _sql_artifact(text: str) -> Artifact:
    first = text.lstrip().split("\n", 1)[0]
    path = "models/marts/dim_order.sql"
    if first.startswith("-- path:"):
        path = first.removeprefix("-- path:").strip()
    return Artifact(_path(path), text, "compiled", "example")


def _files(data: Mapping[str, Any], example: Example) -> Iterator[Artifact]:
    files = data.get("files", {})
    if not isinstance(files, dict):
        raise _refuse(example, "has files: that is not a mapping of path to text")
    for path, content in files.items():
        yield Artifact(_path(path), _text(content), "compiled", "example")


def _changes(data: Mapping[str, Any], spec: Spec, example: Example) -> Iterator[Change]:
    if "previous" in data:
        if not isinstance(data["previous"], dict):
            raise _refuse(example, "has previous: that is not a mapping")
        before = _spec(data["previous"], example)
        yield Change(SPEC_PATH, "modified", _text(before.to_json()), _text(spec.to_json()))
    changed = data.get("changed", [])
    if not isinstance(changed, list):
        raise _refuse(example, "has changed: that is not a list")
    for entry in changed:
        if not isinstance(entry, dict) or "path" not in entry or set(entry) - {"path", *_SIDES}:
            raise _refuse(example, "has changed: entries other than {path, before, after}")
        before, after = (_text(entry[s]) if s in entry else None for s in _SIDES)  # type: ignore[assignment]
        kind = "added" if before is None else "deleted" if after is None else "modified"
        yield Change(_path(str(entry["path"])), kind, before, after)  # type: ignore[arg-type]


_SIDES = ("before", "after")


def _plan(data: Mapping[str, Any], spec: Spec, example: Example) -> Plan:
    if "plan" not in data:
        return make_plan(spec, "0" * 64)
    blank = {"id": "", "kind": "", "path": "", "how": "compiled", "reason": "", "subject": ""}
    try:
        steps = [Step(**{**blank, **step}) for step in data["plan"]]
    except TypeError as error:
        raise _refuse(example, f"has a plan: that is not a list of steps: {error}") from error
    return Plan(spec.pipeline, spec.version, "0" * 64, tuple(steps))
