"""How generated SQL refers to tables, and what stands at the top of each file."""

from __future__ import annotations

from tools import layout
from tools.generate.base import Job
from tools.generate.dbt.builder import Locate
from tools.generate.dbt.text import config_block, jinja_list, quoted
from tools.spec.model import Spec
from tools.spec.source import Source, SourceTable
from tools.spec.transform import Model


def source_call(source: Source, table: SourceTable) -> str:
    """``source('shop', 'order')``."""
    return f"source({quoted(source.name)}, {quoted(table.name)})"


def call(spec: Spec, model: Model, ref: str) -> str:
    """What a model's reference is for dbt: its source, the staging model above it, or a model."""
    found = spec.source_table(ref)
    if found is None:
        return f"ref({quoted(ref)})"
    if model.layer == "staging":
        return source_call(*found)
    return f"ref({quoted(layout.staging_name(*found))})"


def locator(spec: Spec, model: Model) -> Locate:
    """The references of a model as Jinja."""
    return lambda ref: "{{ " + call(spec, model, ref) + " }}"


def header(job: Job, what: str) -> tuple[str, ...]:
    """The lines on top of a SQL file."""
    return (what, f"{job.stamp}. Compiled by specmill: change the spec, not this file.")


def schema_of(spec: Spec, layer: str) -> str:
    """The database schema of a layer."""
    return str(getattr(spec.schemas, layer))


def config(spec: Spec, model: Model, *, materialized: str, **more: str) -> str:
    """The config block of a model."""
    physical = model.physical
    indexes = physical.partition_by or physical.cluster_by
    meta = {"partition_by": physical.partition_by, "cluster_by": physical.cluster_by}
    kept = ", ".join(f"'{k}': {jinja_list(v)}" for k, v in meta.items() if v)
    return config_block(
        materialized=quoted(materialized),
        schema=quoted(schema_of(spec, model.layer)),
        **more,
        tags=jinja_list(dict.fromkeys([spec.pipeline, *spec.tags, *model.tags])),
        meta="{" + kept + "}" if indexes else "",
    )
