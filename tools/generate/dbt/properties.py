"""Properties files: contracts, descriptions, tests, unit tests, exposures."""

from __future__ import annotations

from typing import Any

from tools import layout
from tools.generate.base import Job
from tools.generate.dbt.history import History, history_of
from tools.generate.dbt.models import model_of
from tools.generate.dbt.refs import call
from tools.generate.dbt.tests import Test, column_tests, model_tests, named, surrogate_tests
from tools.generate.dbt.text import yaml_text
from tools.spec.scope import Col, outputs, table_columns
from tools.spec.transform import Example, Model
from tools.sql.render import identifier, type_sql


def note(job: Job) -> str:
    """The comment on top of a properties file."""
    return f"{job.stamp}. Compiled by specmill: change the spec, not this file."


def column_entry(
    name: str, kind: str | None, description: str, pii: bool, tests: list[Test]
) -> dict[str, Any]:
    """One column of a properties file."""
    entry: dict[str, Any] = {"name": name}
    if identifier(name) != name:
        entry["quote"] = True
    if kind is not None:
        entry["data_type"] = kind
    if description:
        entry["description"] = description
    if pii:
        entry["config"] = {"meta": {"pii": True}, "tags": ["pii"]}
    if tests:
        entry["data_tests"] = tests
    return entry


def _promised(job: Job, col: Col) -> str | None:
    """The type of a column in DuckDB, where the spec says it."""
    known = col.type is not None and not col.inferred
    return type_sql(col.type or "", job.spec.dialect, "duckdb") if known else None


def _config(job: Job, *, contract: bool) -> dict[str, Any]:
    config: dict[str, Any] = {"contract": {"enforced": True}} if contract else {}
    spec = job.spec
    lead = {"pipeline": spec.pipeline, "version": spec.version, "spec_sha256": job.plan.digest}
    config["meta"] = {"owner": spec.owner, "specmill": lead} if spec.owner else {"specmill": lead}
    return config


def _properties(job: Job) -> str:
    model = model_of(job)
    columns = table_columns(job.spec, model, job.others)
    business = {c.name for c in outputs(job.spec, model, job.others)}
    entries = []
    for col in columns:
        own = col.name in business
        tests = column_tests(job.spec, model, col) if own else surrogate_tests(model, col.name)
        entries.append(column_entry(col.name, _promised(job, col), col.description, col.pii, tests))
    if model.load.strategy == "scd2":
        entries.append(
            column_entry(
                "_change_count", "bigint", "Changes of the key when it was built.", False, []
            )
        )
    data: dict[str, Any] = {"name": model.name}
    if model.description:
        data["description"] = model.description
    data["config"] = _config(job, contract=_is_typed(model, columns))
    data["columns"] = entries
    if tests := model_tests(job.spec, model):
        data["data_tests"] = tests
    document: dict[str, Any] = {"version": 2, "models": [data]}
    if units := [_unit_test(job, model, e) for e in _unit_examples(model)]:
        document["unit_tests"] = units
    return yaml_text(note(job), document)


def _is_typed(model: Model, columns: tuple[Col, ...]) -> bool:
    """Whether a contract can be enforced: every type is declared, and dbt builds the SQL itself."""
    sure = all(c.type and not c.inferred for c in columns)
    return bool(columns) and sure and model.custom is None


def _unit_examples(model: Model) -> list[Example]:
    """The examples that a unit test of one dbt model can run; a history takes two models."""
    return [] if model.load.strategy == "scd2" else model.examples


def _unit_test(job: Job, model: Model, example: Example) -> dict[str, Any]:
    given = {key.lower(): rows for key, rows in example.given.items()}
    inputs: list[dict[str, Any]] = []
    for ref, alias in ((model.from_, model.alias), *((j.to, j.alias) for j in model.joins)):
        rows = given.get(ref.lower(), given.get(alias.lower(), []))
        entry = {"input": call(job.spec, model, ref), "rows": rows}
        if entry["input"] not in [i["input"] for i in inputs]:
            inputs.append(entry)
    test: dict[str, Any] = {"name": f"{model.name}__{example.name}"}
    if example.description:
        test["description"] = example.description
    test["model"] = model.name
    if model.load.strategy != "full":
        test["overrides"] = {"macros": {"is_incremental": False}}
    return {**test, "given": inputs, "expect": {"rows": example.expect}}


def _change_log_properties(job: Job) -> str:
    h = history_of(job)
    model = h.model
    entries = []
    for col in outputs(job.spec, model, job.others):
        required: list[Test] = ["not_null"] if col.name in model.load.key else []
        kind = _promised(job, col)
        entries.append(column_entry(col.name, kind, col.description, col.pii, required))
    entries += _log_columns()
    data: dict[str, Any] = {
        "name": layout.change_log_name(model),
        "description": f"Every change of {model.from_} that {model.name} is built from, each once.",
        "config": _config(job, contract=False),
        "columns": entries,
    }
    if h.by_absence:
        data["data_tests"] = [_disappearance_test(job, h)]
    return yaml_text(note(job), {"version": 2, "models": [data]})


def _disappearance_test(job: Job, h: History) -> Test:
    origins = {c.name.lower(): c.from_ or c.name for c in h.model.columns}
    source = [origins.get(k.lower(), k).rpartition(".")[2] for k in h.model.load.key]
    extract = call(job.spec, h.model, h.model.from_)
    return named("disappeared_within_limit", key=list(h.keys), extract=extract, extract_key=source)


def _log_columns() -> list[dict[str, Any]]:
    operations = named("accepted_values", values=["U", "D"])
    warn: Test = {"not_null": {"config": {"severity": "warn"}}}
    return [
        column_entry("_effective_at", None, "When the change takes effect.", False, [warn]),
        column_entry("_operation", None, "U: the row as of then; D: deleted.", False, [operations]),
        column_entry("_known_columns", None, "The columns that this row knows of.", False, []),
        column_entry("_row_digest", None, "Digest of the row.", False, []),
        column_entry(
            "_change_id",
            None,
            "Digest of key, moment, order and row.",
            False,
            ["not_null", "unique"],
        ),
        column_entry("_recorded_at", None, "The load that added the row.", False, ["not_null"]),
    ]


def _exposures(job: Job) -> str:
    spec = job.spec
    made = [m.name for m in spec.models]
    entries = []
    for consumer in spec.consumers:
        entry: dict[str, Any] = {"name": consumer.name, "type": consumer.type}
        if consumer.description:
            entry["description"] = consumer.description
        if consumer.url:
            entry["url"] = consumer.url
        marts = [m.name for m in spec.models if m.layer == "marts"] or made
        entry["depends_on"] = [f"ref('{name}')" for name in consumer.models or marts]
        entry["owner"] = {"name": consumer.owner or spec.owner or "unknown"}
        meta: dict[str, Any] = {"specmill": {"pipeline": spec.pipeline, "version": spec.version}}
        if consumer.columns:
            meta["columns"] = list(consumer.columns)
        entry["config"] = {"meta": meta}
        entries.append(entry)
    return yaml_text(note(job), {"version": 2, "exposures": entries})


MAKES = {
    "dbt_properties": _properties,
    "dbt_change_log_properties": _change_log_properties,
    "dbt_exposures": _exposures,
}
