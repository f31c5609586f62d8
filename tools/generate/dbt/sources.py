"""Source tables and the staging models that stand for them.

These files come from the declaration of the table alone, so that every pipeline that declares the
same table makes the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from tools import layout
from tools.errors import InternalError
from tools.generate.base import Job
from tools.generate.dbt.properties import column_entry
from tools.generate.dbt.refs import schema_of, source_call
from tools.generate.dbt.tests import Test, named
from tools.generate.dbt.text import Script, Select, config_block, quoted, yaml_text
from tools.spec.source import Source, SourceTable
from tools.sql.render import identifier, type_sql

_PERIODS = {"s": "minute", "m": "minute", "h": "hour", "d": "day", "w": "day"}


def _table(job: Job) -> tuple[Source, SourceTable]:
    found = job.spec.source_table(job.step.subject)
    if found is None:
        raise InternalError(f"{job.step.subject} is not a source table of {job.spec.pipeline}")
    return found


def _stamp(table: SourceTable, source: Source) -> str:
    text = json.dumps(table.model_dump(mode="json", by_alias=True), sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return f"Source table {source.name}.{table.name} (declaration {digest})."


def _kind(job: Job, text: str) -> str:
    return type_sql(text, job.spec.dialect, "duckdb")


def _source(job: Job) -> str:
    source, table = _table(job)
    key = [k.lower() for k in table.primary_key]
    entries = []
    for col in table.columns:
        tests: list[Test] = []
        if not col.nullable or col.name.lower() in key:
            tests.append("not_null")
        if key == [col.name.lower()] and _holds_one_row_a_key(table):
            tests.append("unique")
        entries.append(
            column_entry(col.name, _kind(job, col.type), col.description, col.pii, tests)
        )
    entry: dict[str, Any] = {"name": table.name}
    if table.description:
        entry["description"] = table.description
    entry["config"] = {**_freshness(job, source, table), "meta": {"system": source.system}}
    entry["columns"] = entries
    if len(key) > 1 and _holds_one_row_a_key(table):
        columns = [identifier(k) for k in table.primary_key]
        entry["data_tests"] = [named("unique_together", columns=columns)]
    top: dict[str, Any] = {"name": source.name}
    if source.description:
        top["description"] = source.description
    top["schema"] = job.spec.landing(source)
    top["tables"] = [entry]
    return yaml_text(_stamp(table, source), {"version": 2, "sources": [top]})


def _holds_one_row_a_key(table: SourceTable) -> bool:
    """Whether the landed table is the state of the source, not a feed of its changes."""
    return table.extract == "full" and table.loaded_at is None


def _freshness(job: Job, source: Source, table: SourceTable) -> dict[str, Any]:
    moment = table.loaded_at or table.cursor
    wanted = next(
        (f for f in job.spec.validation.freshness if f.table == f"{source.name}.{table.name}"), None
    )
    if wanted is None or moment is None:
        return {}
    freshness = {
        name: _period(text)
        for name, text in (("warn_after", wanted.warn_after), ("error_after", wanted.error_after))
        if text
    }
    return {"loaded_at_field": identifier(moment), "freshness": freshness}


def _period(text: str) -> dict[str, Any]:
    count, unit = int(text[:-1].strip()), text[-1]
    count = {"s": -(-count // 60), "w": count * 7}.get(unit, count)
    return {"count": count, "period": _PERIODS[unit]}


def _staging(job: Job) -> str:
    source, table = _table(job)
    names = [identifier(c.name) for c in table.columns]
    select = Select(tuple((n, n) for n in names), "{{ " + source_call(source, table) + " }}")
    config = config_block(
        materialized=quoted("view"), schema=quoted(schema_of(job.spec, "staging"))
    )
    title = table.description or f"{source.name}.{table.name} as it was extracted."
    return str(
        Script((title, f"{_stamp(table, source)} Compiled by specmill."), config, (), str(select))
    )


def _staging_properties(job: Job) -> str:
    source, table = _table(job)
    entries = [
        column_entry(
            c.name, _kind(job, c.type), c.description, c.pii, _staging_tests(table, c.name)
        )
        for c in table.columns
    ]
    data: dict[str, Any] = {
        "name": layout.staging_name(source, table),
        "description": table.description or f"{source.name}.{table.name} as it was extracted.",
        "config": {"contract": {"enforced": True}},
        "columns": entries,
    }
    return yaml_text(_stamp(table, source), {"version": 2, "models": [data]})


def _staging_tests(table: SourceTable, name: str) -> list[Test]:
    key = [k.lower() for k in table.primary_key]
    if name.lower() not in key:
        return []
    alone = len(key) == 1 and _holds_one_row_a_key(table)
    return ["not_null", "unique"] if alone else ["not_null"]


MAKES = {
    "dbt_source": _source,
    "dbt_staging": _staging,
    "dbt_staging_properties": _staging_properties,
}
