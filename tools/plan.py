"""From a spec to the ordered steps that make its code; pure.

A step makes one file. What the spec determines is *compiled*; what it leaves to judgement (prose
rules, macros, ``author: model``) is *authored*. A compiled step that reads from an authored one
waits for it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from tools import layout
from tools.spec.graph import order
from tools.spec.model import Spec
from tools.spec.source import Source, SourceTable
from tools.spec.transform import Model


@dataclass(frozen=True)
class Step:
    """One file to make.

    Args:
        id: unique in its plan.
        kind: the generator that makes it, such as ``dbt_model``.
        path: where, relative to the workspace root.
        how: compiled from the spec, or authored by a model.
        reason: why it is there and why it is compiled or authored.
        subject: the model, ``source.table`` or pipeline it is about.
        needs: ids of the steps that have to be there for this one to work.
    """

    id: str
    kind: str
    path: str
    how: Literal["compiled", "authored"]
    reason: str
    subject: str
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """The steps of one spec, each after what it needs."""

    pipeline: str
    version: str
    digest: str
    steps: tuple[Step, ...]

    @property
    def authored(self) -> tuple[Step, ...]:
        """The steps that need a model."""
        return tuple(s for s in self.steps if s.how == "authored")

    def waiting(self, done: Collection[str] = ()) -> dict[str, str]:
        """Compiled steps that cannot be made yet: step id -> the authored step it waits for.

        Args:
            done: ids of authored steps that are there.
        """
        held = {s.id: s.id for s in self.authored if s.id not in done}
        for step in self.steps:
            cause = next((held[n] for n in step.needs if n in held), None)
            if cause is not None and step.id not in held:
                held[step.id] = cause
        authored = {s.id for s in self.authored}
        return {step: cause for step, cause in held.items() if step not in authored}

    def to_json(self) -> dict[str, Any]:
        """A JSON object; ``from_json`` reads it back."""
        return {
            "pipeline": self.pipeline,
            "version": self.version,
            "digest": self.digest,
            "steps": [{**asdict(s), "needs": list(s.needs)} for s in self.steps],
        }

    @staticmethod
    def from_json(data: dict[str, Any]) -> Plan:
        """The inverse of ``to_json``."""
        steps = tuple(Step(**{**s, "needs": tuple(s["needs"])}) for s in data["steps"])
        return Plan(data["pipeline"], data["version"], data["digest"], steps)


def make_plan(spec: Spec, digest: str) -> Plan:
    """The plan of a spec.

    Args:
        spec: a spec that lints without errors.
        digest: of the spec, for the headers of what is made.

    Raises:
        InputError: when models form a cycle.
    """
    models = order(spec)
    steps = [*_project(spec), *_sources(spec, models)]
    for model in models:
        steps.extend(_model_steps(spec, model))
    if spec.consumers:
        needs = tuple(f"model:{m.name}" for m in models)
        path = layout.exposures_file(spec.pipeline)
        reason = f"{len(spec.consumers)} consumer(s) declared"
        steps.append(
            Step("exposures", "dbt_exposures", path, "compiled", reason, spec.pipeline, needs)
        )
    return Plan(spec.pipeline, spec.version, digest, tuple(steps))


MACROS = {
    "generate_schema_name": "models land in the schema of their layer",
    "batch_at": "one moment for everything that a load records",
    "hash_of": "surrogate keys and digests in which NULL and '' differ",
    "any_changed": "which tracked columns make a new version",
    "interval_tests": "generic tests of histories",
    "row_tests": "generic tests of grain and row predicates",
}
"""The macros of a generated project and why each is there."""


def _project(spec: Spec) -> Iterator[Step]:
    root = layout.DBT
    yield Step(
        "project", "dbt_project", str(root / "dbt_project.yml"), "compiled",
        "one dbt project a workspace", "workspace",
    )  # fmt: skip
    platforms = sorted({t.platform for t in spec.targets.values()} - {"duckdb"})
    also = f"; {', '.join(platforms)} kept as a target" if platforms else ""
    yield Step(
        "profiles", "dbt_profiles", str(root / "profiles.yml"), "compiled",
        f"builds on DuckDB{also}", "workspace",
    )  # fmt: skip
    for name, why in MACROS.items():
        path = str(root / "macros" / f"{name}.sql")
        yield Step(f"macro:{name}", "dbt_macro", path, "compiled", why, name)


def read_tables(spec: Spec, models: tuple[Model, ...]) -> dict[tuple[str, str], bool]:
    """The source tables that models read: (source, table) -> whether a staging model is made.

    Staging models read sources directly; every other layer reads them through one.
    """
    read: dict[tuple[str, str], bool] = {}
    for model in models:
        for ref in (model.from_, *(j.to for j in model.joins)):
            found = spec.source_table(ref)
            if found is not None:
                key = (found[0].name, found[1].name)
                read[key] = read.get(key, False) or model.layer != "staging"
    return read


def _sources(spec: Spec, models: tuple[Model, ...]) -> Iterator[Step]:
    for (source_name, table_name), staged in read_tables(spec, models).items():
        found = spec.source_table(f"{source_name}.{table_name}")
        if found is None:
            continue
        source, table = found
        subject = f"{source.name}.{table.name}"
        yield Step(
            f"source:{subject}", "dbt_source", layout.source_file(source, table), "compiled",
            f"{source.system} table that models read", subject, ("project",),
        )  # fmt: skip
        if staged:
            yield from _staging(source, table, subject)


def _staging(source: Source, table: SourceTable, subject: str) -> Iterator[Step]:
    sql = f"staging:{subject}"
    yield Step(
        sql, "dbt_staging", layout.staging_file(source, table, ".sql"), "compiled",
        "layers above staging read sources through it", subject, (f"source:{subject}",),
    )  # fmt: skip
    yield Step(
        f"{sql}:properties", "dbt_staging_properties", layout.staging_file(source, table, ".yml"),
        "compiled", "contract and tests of the staging model", subject, (sql,),
    )  # fmt: skip


def _needs(spec: Spec, model: Model) -> tuple[str, ...]:
    needs = []
    for ref in (model.from_, *(j.to for j in model.joins)):
        found = spec.source_table(ref)
        if found is None:
            if spec.model_named(ref) is not None:
                needs.append(f"model:{ref}")
            continue
        subject = f"{found[0].name}.{found[1].name}"
        needs.append(f"source:{subject}" if model.layer == "staging" else f"staging:{subject}")
    return tuple(dict.fromkeys(needs))


def why_authored(model: Model) -> str | None:
    """Why a model's SQL needs judgement, or None when the spec determines it."""
    if model.custom and model.custom.sql_file:
        return None
    if model.author == "model":
        return "the spec asks for a model as author"
    if model.rules:
        more = f" (+{len(model.rules) - 1} more)" if len(model.rules) > 1 else ""
        return f"prose rule: {model.rules[0][:60]}{more}"
    if model.custom and model.custom.macro:
        return f"custom macro {model.custom.macro} has to be fitted in"
    return None


_STRATEGY = {
    "full": "replaced as a whole by each load",
    "append": "rows beyond the cursor are added",
    "incremental": "merged by key",
    "scd1": "one row a key, the latest",
    "scd2": "every version kept, half-open intervals",
}


def _model_steps(spec: Spec, model: Model) -> Iterator[Step]:
    needs = _needs(spec, model)
    sql, why = f"model:{model.name}", why_authored(model)
    if model.custom and model.custom.sql_file:
        pass  # people wrote the SQL; dbt finds it under custom/
    elif model.load.strategy == "scd2":
        yield from _change_log(model, needs, why)
        yield Step(
            sql, "dbt_scd2", layout.model_file(model, ".sql"), "compiled",
            _STRATEGY["scd2"], model.name, (f"changes:{model.name}",),
        )  # fmt: skip
    elif why is not None:
        yield Step(
            sql, "dbt_model", layout.model_file(model, ".sql"), "authored", why, model.name, needs
        )
    else:
        yield Step(
            sql, "dbt_model", layout.model_file(model, ".sql"), "compiled",
            _STRATEGY[model.load.strategy], model.name, needs,
        )  # fmt: skip
    yield Step(
        f"{sql}:properties", "dbt_properties", layout.model_file(model, ".yml"), "compiled",
        "contract, descriptions, tests, unit tests from examples", model.name, (sql, *needs),
    )  # fmt: skip


def _change_log(model: Model, needs: tuple[str, ...], why: str | None) -> Iterator[Step]:
    """The log takes up what is left to judgement; the history follows from the log."""
    log = f"changes:{model.name}"
    yield Step(
        log, "dbt_change_log", layout.change_log_file(model, ".sql"),
        "compiled" if why is None else "authored",
        why or "append-only log that the history is built from", model.name, needs,
    )  # fmt: skip
    yield Step(
        f"{log}:properties", "dbt_change_log_properties", layout.change_log_file(model, ".yml"),
        "compiled", "tests of the log", model.name, (log,),
    )  # fmt: skip
