"""The dbt project around the models: project file, profiles, macros."""

from __future__ import annotations

from importlib import resources
from typing import Any

from tools.generate.base import Job
from tools.generate.dbt.text import yaml_text
from tools.spec.context import Platform

PROJECT = "specmill_platform"
"""The name of the dbt project and of its profile."""

_NOTE = "Compiled by specmill. Change the specs, not this file."


def _project(job: Job) -> str:
    del job  # the same for every pipeline of a workspace
    return yaml_text(
        _NOTE,
        {
            "name": PROJECT,
            "version": "1.0.0",
            "config-version": 2,
            "profile": PROJECT,
            "require-dbt-version": [">=1.10.0", "<2.0.0"],
            "model-paths": ["models", "../../custom/models"],
            "macro-paths": ["macros", "../../custom/macros"],
            "test-paths": ["tests"],
            "flags": {"send_anonymous_usage_stats": False},
        },
    )


_DUCKDB: dict[str, Any] = {
    "type": "duckdb",
    "path": "{{ env_var('SPECMILL_DUCKDB_PATH', '../../.specmill/dev.duckdb') }}",
    "threads": 2,
    "settings": {"TimeZone": "UTC", "autoinstall_known_extensions": False},
}

_LOGIN = {"user": "USER", "password": "PASSWORD"}
# What each adapter needs to connect; the values are names of environment variables.
_CONNECTION: dict[Platform, dict[str, str]] = {
    "snowflake": {
        "account": "ACCOUNT", **_LOGIN, "role": "ROLE", "warehouse": "WAREHOUSE",
        "database": "DATABASE", "schema": "SCHEMA",
    },
    "bigquery": {"method": "METHOD", "project": "PROJECT", "dataset": "DATASET"},
    "postgres": {"host": "HOST", **_LOGIN, "dbname": "DATABASE", "schema": "SCHEMA"},
    "redshift": {"host": "HOST", **_LOGIN, "dbname": "DATABASE", "schema": "SCHEMA"},
    "databricks": {
        "host": "HOST", "http_path": "HTTP_PATH", "token": "TOKEN", "catalog": "CATALOG",
        "schema": "SCHEMA",
    },
    "spark": {"method": "METHOD", "host": "HOST", "schema": "SCHEMA"},
    "trino": {
        "method": "METHOD", "host": "HOST", **_LOGIN, "database": "CATALOG", "schema": "SCHEMA",
    },
}  # fmt: skip
_PORTS: dict[Platform, int] = {"postgres": 5432, "redshift": 5439, "trino": 443}
_GIVEN = {"database": ("database", "dbname", "project", "catalog"), "schema": ("schema", "dataset")}


def _profiles(job: Job) -> str:
    """DuckDB first, and every other target that a spec of the workspace names."""
    outputs: dict[str, Any] = {"duckdb": _DUCKDB}
    specs = [job.spec, *job.others.values()]
    targets = {t.platform: t for spec in reversed(specs) for t in spec.targets.values()}
    for platform in sorted(targets):
        if platform == "duckdb":
            continue
        needed = _CONNECTION[platform]
        output: dict[str, Any] = {"type": platform}
        for key, name in needed.items():
            output[key] = f"{{{{ env_var('{platform.upper()}_{name}') }}}}"
        target = targets[platform]
        for value, keys in (
            (target.database, _GIVEN["database"]),
            (target.schema_, _GIVEN["schema"]),
        ):
            for key in keys:
                if value and key in output:
                    output[key] = value
        if platform in _PORTS:
            output["port"] = _PORTS[platform]
        outputs[platform] = {**output, "threads": 4}
    return yaml_text(_NOTE, {PROJECT: {"target": "duckdb", "outputs": outputs}})


def _macro(job: Job) -> str:
    folder = resources.files("tools.generate.dbt").joinpath("macros")
    return folder.joinpath(f"{job.step.subject}.sql").read_text(encoding="utf-8")


MAKES = {"dbt_project": _project, "dbt_profiles": _profiles, "dbt_macro": _macro}
