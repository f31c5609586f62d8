"""Rows that specmill makes up for source tables without data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tools.findings import Finding, Severity
from tools.sql.render import identifier
from tools.verify.data_declared import Declared, target_of
from tools.verify.data_files import Reading, rows_relation
from tools.verify.data_load import Plan, Target
from tools.verify.data_times import LoadTimes
from tools.verify.sample import sample_rows


def sampled(
    digest: str,
    without: Sequence[Declared],
    declared: Sequence[Declared],
    scratch: Path,
    known: LoadTimes,
) -> tuple[list[Plan], list[Finding]]:
    """Made-up rows for the tables without data, joined to the tables that have some."""
    loaded = {d.table.name for d in declared} - {d.table.name for d in without}
    existing = _values(known, [d for d in declared if d.table.name in loaded])
    plans: list[Plan] = []
    findings: list[Finding] = []
    rows_by_table = sample_rows([d.loaded for d in _once(declared)], digest, existing)
    for item in without:
        name = f"{item.source.name}.{item.table.name}"
        target = target_of(item, known.database.stem)
        if isinstance(target, Finding):
            findings.append(target)
            continue
        if not item.table.columns:
            findings.append(Finding(
                "DATA011", Severity.ERROR, f"nothing says which columns {name} has", item.at,
                "declare its columns, or name a file with `data:`", subject=item.table.name,
            ))  # fmt: skip
            continue
        rows = rows_by_table[name]
        plans.append(_plan_of_rows(target, rows, name, scratch))
        findings.append(Finding(
            "DATA008", Severity.WARNING,
            f"{name} has no data: {len(rows)} rows were made up from its declared columns",
            item.at, f"name a file with `data:` or put data/{item.table.name}.csv there",
            subject=item.table.name,
        ))  # fmt: skip
    return plans, findings


def _once(declared: Sequence[Declared]) -> list[Declared]:
    return list({id(d.loaded): d for d in declared}.values())


def _plan_of_rows(
    target: Target, rows: Sequence[Mapping[str, Any]], name: str, scratch: Path
) -> Plan:
    columns = tuple(dict.fromkeys(k for row in rows for k in row))
    text = json.dumps(list(rows), sort_keys=True, default=str)
    reading = Reading(
        Path(name),
        columns,
        rows_relation(rows, columns, scratch),
        lambda _: 0,
        hashlib.sha256(text.encode()).hexdigest(),
    )
    return Plan(target, reading, name, "sample")


def _values(known: LoadTimes, items: Sequence[Declared]) -> dict[tuple[str, str], list[str]]:
    """A few values of each column of tables that were loaded from files, as text."""
    wanted = [
        (f"{i.source.name}.{i.table.name}", i.loaded.spec.landing(i.source), i.table.name, c.name)
        for i in items
        for c in i.table.columns
    ]
    asked = [
        f"select distinct cast({identifier(column)} as varchar) as v "
        f"from {identifier(known.database.stem)}.{identifier(schema)}.{identifier(table)} "
        f"where {identifier(column)} is not null order by v limit 12"
        for _, schema, table, column in wanted
    ]
    found = known.worker.sql(known.database, asked) if asked else ()
    return {
        (reference, column.lower()): [str(r[0]) for r in rows.rows]
        for (reference, _, _, column), rows in zip(wanted, found, strict=True)
    }
