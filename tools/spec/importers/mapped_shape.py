"""The shapes of the ``spec.json`` form: models as column mappings, joins, filters, aggregations."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from tools.spec.base import Name, Part, Reference, SourceName, Sql


def _commas(value: Any) -> Any:
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


def _absent(value: Any) -> Any:
    return [] if value is None else value


def _join_type(value: Any) -> Any:
    """``LEFT OUTER JOIN`` as ``left``."""
    return value.lower().split()[0] if isinstance(value, str) and value.split() else value


Listed = Annotated[list[SourceName], BeforeValidator(_absent), BeforeValidator(_commas)]
"""Names as a list, or in one text with commas; null is none."""


class Mapping(Part):
    """A column of a model and the source column that it comes from."""

    target_column: Name
    type: str | None = Field(default=None, max_length=100)
    from_table: SourceName | None = None
    from_column: SourceName | None = None
    transform: Sql | None = None
    nullable: bool = True
    tests: Annotated[list[str], BeforeValidator(_absent)] = []
    description: str | None = None


class Joining(Part):
    """A join between two of the model's sources."""

    left_table: SourceName
    right_table: SourceName
    type: Annotated[
        Literal["left", "inner", "right", "full", "cross"],
        BeforeValidator(_join_type),
    ] = "left"
    condition: Sql


class Filter(Part):
    """A predicate on one of the model's sources."""

    applies_to: SourceName
    predicate: Sql
    rationale: str | None = None


class Aggregation(Part):
    """A column that is an aggregate."""

    metric_column: Name
    type: str | None = Field(default=None, max_length=100)
    formula: Sql
    tests: Annotated[list[str], BeforeValidator(_absent)] = []
    description: str | None = None


class Constraints(Part):
    """Key, layout and history of a model."""

    primary_key: Listed = []
    partition_by: Listed = []
    cluster_by: Listed = []
    scd_type: Literal[1, 2] | None = None
    natural_key: Listed = []
    effective_at: Name | None = None
    expiry_at: Name | None = None
    current_flag: Name | None = None


class MappedModel(Part):
    """A model of this form."""

    name: Name
    layer: Literal["staging", "intermediate", "final", "marts"]
    description: str | None = None
    sources: list[Reference] = Field(min_length=1)
    column_mapping: Annotated[list[Mapping], BeforeValidator(_absent)] = []
    joins: Annotated[list[Joining], BeforeValidator(_absent)] = []
    filters: Annotated[list[Filter], BeforeValidator(_absent)] = []
    aggregations: Annotated[list[Aggregation], BeforeValidator(_absent)] = []
    group_by: Listed = []
    constraints: Constraints = Constraints()


class SchemaNames(Part):
    """The database schemas of the layers."""

    raw_schema: Name | None = None
    staging_schema: Name | None = None
    intermediate_schema: Name | None = None
    final_schema: Name | None = None


class MappedSpec(Part):
    """The whole of a ``spec.json``."""

    schema_: SchemaNames = Field(default=SchemaNames(), alias="schema")
    models: list[MappedModel] = Field(min_length=1)
