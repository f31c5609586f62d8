"""What surrounds the models of a spec: targets, checks, schedule, meaning, consumers, memory."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import Field

from tools.spec.base import Duration, Name, Part, Reference, SourceName, Sql

Platform = Literal[
    "duckdb", "snowflake", "bigquery", "postgres", "redshift", "databricks", "spark", "trino"
]


class Target(Part):
    """A place to build. DuckDB is where a run builds and proves; others are kept and emitted."""

    platform: Platform
    database: str | None = Field(default=None, max_length=127)
    schema_: str | None = Field(default=None, alias="schema", max_length=127)
    connection: str | None = Field(default=None, pattern=r"^(env|vault|secret):[A-Za-z0-9_/.-]+$")


class Schemas(Part):
    """The database schemas of the layers."""

    raw: Name = "raw"
    staging: Name = "staging"
    intermediate: Name = "intermediate"
    marts: Name = "marts"


class Check(Part):
    """A predicate that holds for every row of a model."""

    name: Name
    model: Name
    expr: Sql
    severity: Literal["error", "warn"] = "error"
    description: str = ""


class Freshness(Part):
    """How old the newest row of a source table may be."""

    table: Reference
    warn_after: Duration | None = None
    error_after: Duration | None = None


class Validation(Part):
    """What must hold beyond column tests."""

    checks: list[Check] = []
    freshness: list[Freshness] = []


class Orchestration(Part):
    """When the pipeline runs; ``schedule`` is cron or a preset such as ``@hourly``."""

    schedule: str | None = Field(default=None, max_length=100)
    timezone: str = "UTC"
    retries: int = Field(default=2, ge=0, le=20)
    retry_delay: Duration = "5m"
    sla: Duration | None = None
    depends_on: list[Name] = []


class Entity(Part):
    """A thing that can be joined on."""

    name: Name
    type: Literal["primary", "foreign", "unique", "natural"] = "primary"
    model: Name | None = None
    expr: Sql | None = None


class Dimension(Part):
    """Something to group or filter by."""

    name: Name
    type: Literal["categorical", "time"] = "categorical"
    model: Name | None = None
    expr: Sql | None = None
    granularity: Literal["second", "minute", "hour", "day", "week", "month", "year"] | None = None
    description: str = ""


class SemanticMeasure(Part):
    """Something that can be aggregated."""

    name: Name
    agg: Literal["sum", "count", "count_distinct", "average", "min", "max", "median"]
    model: Name | None = None
    expr: Sql | None = None
    description: str = ""


class Metric(Part):
    """A number that people speak of by name."""

    name: Name
    type: Literal["simple", "ratio", "derived", "cumulative"] = "simple"
    measure: Name | None = None
    numerator: Name | None = None
    denominator: Name | None = None
    expr: Sql | None = None
    label: str = ""
    description: str = ""


class Term(Part):
    """A business term and where it lives."""

    name: str = Field(min_length=1, max_length=127)
    definition: str
    columns: list[Reference] = []


class Semantic(Part):
    """What the columns mean."""

    entities: list[Entity] = []
    dimensions: list[Dimension] = []
    measures: list[SemanticMeasure] = []
    metrics: list[Metric] = []
    terms: list[Term] = []


class Consumer(Part):
    """Who uses the result; becomes a dbt exposure."""

    name: Name
    type: Literal["dashboard", "notebook", "analysis", "ml", "application"] = "dashboard"
    models: list[Name] = []
    columns: list[SourceName] = []
    owner: str | None = None
    url: str | None = None
    description: str = ""


class Decision(Part):
    """The memory of why."""

    date: dt.date
    who: str = Field(min_length=1)
    what: str = Field(min_length=1)
    why: str = Field(min_length=1)


class OpenQuestion(Part):
    """What the spec leaves ambiguous: built with the assumption, and kept from ``blocks``."""

    about: str = Field(min_length=1)
    question: str = Field(min_length=1)
    assumption: str = ""
    blocks: Literal["production", "build"] = "production"
