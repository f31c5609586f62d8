"""The SQL that turns a relation of text into a typed table, and what its checks have found."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tools.findings import Finding, Location, Severity
from tools.sql.render import identifier, literal
from tools.verify.data_files import Reading
from tools.verify.replies import Rows
from tools.verify.sample_values import INTEGERS

_MASK = "(hidden: personal data)"


@dataclass(frozen=True)
class Target:
    """A table as it is to be: columns as (name, DuckDB type, nullable, personal).

    The catalog (the stem of the database file) is part of its name, as a schema may be called what
    DuckDB calls a catalog (``temp``, ``system``).
    """

    catalog: str
    schema: str
    name: str
    columns: tuple[tuple[str, str, bool, bool], ...]
    key: tuple[str, ...] = ()
    loaded_at: str | None = None


@dataclass(frozen=True)
class Plan:
    """A table and where its rows come from."""

    target: Target
    reading: Reading
    path: str
    origin: Literal["file", "sample"] = "file"

    @property
    def schema(self) -> str:
        """The schema of the table as SQL."""
        return f"{identifier(self.target.catalog)}.{identifier(self.target.schema)}"

    @property
    def qualified(self) -> str:
        """The table as SQL."""
        return f"{self.schema}.{identifier(self.target.name)}"

    def position(self, column: str) -> int | None:
        """Where the file has a column, from 0."""
        names = [c.lower() for c in self.reading.columns]
        return names.index(column.lower()) if column.lower() in names else None


def _text(position: int, kind: str) -> str:
    """The text that is cast: for everything but text itself, blank means missing."""
    if kind.startswith(("varchar", "text", "char", "json")):
        return f"c{position}"
    return f"nullif(trim(c{position}), '')"


def cast(text: str, kind: str) -> str:
    """SQL that gives the typed value, or NULL when the text does not fit.

    DuckDB's own casts round '1.5' to an integer and drop the offset of a timestamp; these do not.
    """
    if kind in INTEGERS:
        return (
            f"case when regexp_full_match({text}, '\\s*[+-]?\\d+(\\.0*)?\\s*') "
            f"then try_cast({text} as {kind}) end"
        )
    if kind in ("timestamp", "datetime"):
        return f"try_cast(try_cast({text} as timestamptz) at time zone 'UTC' as {kind})"
    if kind == "date":
        moment = f"(try_cast({text} as timestamptz) at time zone 'UTC')"
        return (
            f"case when {moment} = date_trunc('day', {moment}) then try_cast({moment} as date) end"
        )
    return f"try_cast({text} as {kind})"


def statements(plan: Plan, loaded_at: dt.datetime) -> list[str]:
    """Loads a table on one connection; the results are read by :func:`findings_of`.

    Args:
        plan: the table and its rows.
        loaded_at: what its load-time column holds where the file has none.
    """
    columns, checks = [], []
    for name, kind, _, _ in plan.target.columns:
        position = plan.position(name)
        if position is None:  # only the load time may be missing, see data.py
            columns.append(f"cast({literal(loaded_at)} as {kind}) as {identifier(name)}")
            continue
        columns.append(f"{cast(_text(position, kind), kind)} as {identifier(name)}")
        checks.append(_check(name, _text(position, kind), kind))
    numbered = f"select row_number() over () as n, file.* from {plan.reading.relation} as file"
    typed = f"select {', '.join(columns)} from incoming order by n"
    return [
        f"create or replace temp table incoming as {numbered}",
        "\nunion all\n".join(checks) or f"{_check('', 'cast(n as varchar)', 'bigint')}",
        f"create schema if not exists {plan.schema}",
        f"create or replace table {plan.qualified} as {typed}",
        _duplicates(plan),
        f"select count(*) from {plan.qualified}",
        "drop table incoming",
    ]


_CHECKED = ("column", "bad", "bad_row", "bad_value", "missing", "missing_row", "rounded",
            "rounded_row", "rounded_value")  # fmt: skip


def _check(name: str, text: str, kind: str) -> str:
    """One row: how many values of a column do not fit, are missing, or lose digits; the first."""
    value = cast(text, kind)
    bad = f"{text} is not null and ({value}) is null"
    missing = f"{text} is null"
    rounded = "false"
    if kind.startswith(("decimal", "numeric")):
        rounded = f"({value}) is not null and abs(({value}) - try_cast({text} as double)) > 1e-12"
    counts = [
        f"count(*) filter (where {when}), min(n) filter (where {when})"
        for when in (bad, missing, rounded)
    ]
    first_bad, first_rounded = (f"arg_min({text}, n) filter (where {w})" for w in (bad, rounded))
    return (
        f"select {literal(name)}, {counts[0]}, {first_bad}, {counts[1]}, {counts[2]}, "
        f"{first_rounded} from incoming"
    )


def _duplicates(plan: Plan) -> str:
    """Keys that occur more than once: how many, an example, the row that repeats it."""
    positions = [plan.position(k) for k in plan.target.key]
    known = [p for p in positions if p is not None]
    if not known or len(known) != len(positions):
        return "select 0, null, null"
    columns = ", ".join(f"c{p}" for p in known)
    shown = " || ', ' || ".join(f"coalesce(c{p}, 'NULL')" for p in known)
    return (
        "select count(*), arg_min(shown, second), min(second) from ("
        f"select {shown} as shown, min(n) filter (nth = 2) as second from ("
        f"select *, row_number() over (partition by {columns} order by n) as nth from incoming) "
        f"group by {columns} having count(*) > 1)"
    )


def findings_of(plan: Plan, results: Sequence[Rows]) -> tuple[int, list[Finding]]:
    """The number of rows, and what the checks have found.

    Args:
        plan: what was loaded.
        results: of :func:`statements`, one for each.
    """
    findings: list[Finding] = []
    columns = {c[0]: c for c in plan.target.columns}
    for row in results[1].rows:
        found = dict(zip(_CHECKED, row, strict=True))
        if found["column"]:
            findings += _column_findings(plan, found, columns[found["column"]])
    findings += _key_findings(plan, *results[4].rows[0])
    count = int(results[5].rows[0][0])
    if count == 0:
        findings.append(_finding(plan, "DATA007", Severity.NOTE, "has no rows"))
    return count, findings


def _finding(
    plan: Plan, code: str, severity: Severity, what: str, *, row: int = 0, column: str = ""
) -> Finding:
    line = plan.reading.line(row) if row else 0
    table = plan.target.name
    return Finding(
        code, severity, f"data of {table} {what}", Location(plan.path, line),
        "correct the data, or the declaration of the column in the spec" if row else "",
        subject=f"{table}.{column}" if column else table,
    )  # fmt: skip


def _column_findings(
    plan: Plan, found: dict[str, object], column: tuple[str, str, bool, bool]
) -> list[Finding]:
    name, kind, nullable, personal = column
    out = []

    def add(code: str, severity: Severity, count: object, what: str, row: object) -> None:
        more = f" ({count} rows)" if count != 1 else ""
        out.append(_finding(plan, code, severity, what + more, row=int(str(row)), column=name))

    if found["bad"]:
        value = _MASK if personal else repr(found["bad_value"])
        what = f"has {value} in column {name!r}, which is no {kind}"
        add("DATA003", Severity.ERROR, found["bad"], what, found["bad_row"])
    if found["missing"] and not nullable:
        what = f"has no value in column {name!r}, which is declared not nullable"
        add("DATA004", Severity.WARNING, found["missing"], what, found["missing_row"])
    if found["rounded"]:
        value = _MASK if personal else repr(found["rounded_value"])
        what = f"has {value} in column {name!r}, which {kind} rounds"
        add("DATA009", Severity.WARNING, found["rounded"], what, found["rounded_row"])
    return out


def _key_findings(plan: Plan, count: int, shown: str | None, row: int | None) -> list[Finding]:
    if not count:
        return []
    personal = any(c[3] for c in plan.target.columns if c[0] in plan.target.key)
    key = ", ".join(plan.target.key)
    value = _MASK if personal else shown
    more = f" and {count - 1} more" if count > 1 else ""
    what = f"has the key {key} = {value}{more} more than once"
    return [_finding(plan, "DATA005", Severity.WARNING, what, row=row or 0, column=key)]
