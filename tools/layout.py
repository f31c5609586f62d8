"""Where generated files live, relative to the workspace root, and what helper tables are called."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from tools.spec.source import Source, SourceTable
from tools.spec.transform import Model

DBT = PurePosixPath("generated/dbt")
REVIEW = PurePosixPath("generated/review")
LOCK = "specmill.lock"


def slug(name: str) -> str:
    """A source's name as part of a file or model name: ``Order Items`` -> ``order_items``."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "table"


def staging_name(source: Source, table: SourceTable) -> str:
    """The staging model that stands for a source table: ``stg_shop__order``."""
    return f"stg_{slug(source.name)}__{slug(table.name)}"


def change_log_name(model: Model) -> str:
    """The append-only change log behind an scd2 model: ``int_dim_order__changes``."""
    return f"int_{model.name}__changes"


def source_file(source: Source, table: SourceTable) -> str:
    """The properties of one source table."""
    folder = DBT / "models" / "staging" / slug(source.name)
    return str(folder / f"_{slug(source.name)}__{slug(table.name)}__source.yml")


def staging_file(source: Source, table: SourceTable, suffix: str) -> str:
    """A staging model's SQL or properties."""
    folder = DBT / "models" / "staging" / slug(source.name)
    return str(folder / f"{staging_name(source, table)}{suffix}")


def model_file(model: Model, suffix: str) -> str:
    """A model's SQL or properties."""
    return str(DBT / "models" / model.layer / f"{model.name}{suffix}")


def change_log_file(model: Model, suffix: str) -> str:
    """A change log's SQL or properties."""
    return str(DBT / "models" / "intermediate" / f"{change_log_name(model)}{suffix}")


def exposures_file(pipeline: str) -> str:
    """The exposures of a pipeline's consumers."""
    return str(DBT / "models" / "exposures" / f"{pipeline}.yml")


def review_file(pipeline: str) -> str:
    """The review page of a pipeline."""
    return str(REVIEW / f"{pipeline}.md")
