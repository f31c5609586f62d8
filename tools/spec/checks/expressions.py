"""Expressions: one value each, in a known dialect, of the kind that their place expects."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.findings import Finding, Severity
from tools.spec.checks.parts import Expression
from tools.spec.checks.view import ModelView, SpecView
from tools.spec.edges import Path
from tools.spec.load import LoadedSpec
from tools.spec.suggest import did_you_mean
from tools.sql.analyse import has_window, is_aggregate, nondeterministic_functions
from tools.sql.parse import SqlError, known_dialects
from tools.sql.render import type_sql


def dialect_is_known(loaded: LoadedSpec) -> Iterator[Finding]:
    """SPEC001: nothing can be read before the dialect is known."""
    name = loaded.spec.dialect
    if name not in known_dialects():
        yield Finding(
            "SPEC001",
            Severity.ERROR,
            f"unknown dialect {name}",
            loaded.at("dialect"),
            did_you_mean(name, known_dialects()),
            subject=loaded.spec.pipeline,
        )


def parses(e: Expression) -> Iterator[Finding]:
    """SPEC002: text that is not one expression of the dialect."""
    if e.error is None:
        return
    at = ""
    if e.error.line:
        line = f"line {e.error.line}, " if "\n" in e.text else ""
        at = f" (at {line}column {e.error.column} of the expression)" if e.error.column else ""
    # The parser names its own classes when an operand is missing.
    why = re.sub(r"Required keyword: .*", "something is missing", e.error.message)
    yield e.of.find(
        "SPEC002",
        Severity.ERROR,
        f"{e.about}: {_short(e.text)} {why}{at}",
        e.path,
        f"write one expression of {e.of.spec.dialect}",
        e.subject,
    )


def scalar(e: Expression) -> Iterator[Finding]:
    """SPEC004: an aggregate where one row has to give the value."""
    if e.tree is None or e.place in ("aggregate", "having") or not is_aggregate(e.tree):
        return
    hint = "an aggregate goes into aggregations with a group_by, or into joins[].aggregate"
    if e.place == "predicate":
        hint = "filter on an aggregate with having"
    message = f"{e.about}: {_short(e.text)} is an aggregate without group_by"
    yield e.of.find("SPEC004", Severity.ERROR, message, e.path, hint, e.subject)


def windows(e: Expression) -> Iterator[Finding]:
    """SPEC005: a window function where SQL does not allow one."""
    if e.tree is not None and e.place != "column" and has_window(e.tree):
        yield e.of.find(
            "SPEC005",
            Severity.ERROR,
            f"{e.about}: a window function cannot stand here",
            e.path,
            "compute it as a column of a model before this one",
            e.subject,
        )


def deterministic(e: Expression) -> Iterator[Finding]:
    """SPEC006: a function whose result differs from run to run."""
    found = nondeterministic_functions(e.tree) if e.tree is not None else ()
    if found:
        yield e.of.find(
            "SPEC006",
            Severity.WARNING,
            f"{e.about}: {', '.join(found)} gives another result on another run",
            e.path,
            "use a column of the data, such as the time of the load",
            e.subject,
        )


def of_one_row(e: Expression) -> Iterator[Finding]:
    """All that holds for an expression over the columns of one row."""
    for rule in EXPRESSION_RULES:
        yield from rule(e)


def model_types(view: ModelView) -> Iterator[Finding]:
    """SPEC003 for the columns, aggregations and pre-aggregates of a model."""
    model = view.model
    typed: list[tuple[Path, str, str | None]] = []
    typed += [(("columns", i, "type"), c.name, c.type) for i, c in enumerate(model.columns)]
    measures = enumerate(model.aggregations)
    typed += [(("aggregations", i, "type"), m.name, m.type) for i, m in measures]
    for j, join in enumerate(model.joins):
        parts = enumerate(join.aggregate.columns if join.aggregate else [])
        at: Path = ("joins", j, "aggregate", "columns")
        typed += [((*at, k, "type"), m.name, m.type) for k, m in parts]
    for path, name, kind in typed:
        yield from _type(view.of, (*view.path, *path), f"{model.name}.{name}", kind)


def source_types(of: SpecView) -> Iterator[Finding]:
    """SPEC003 for the columns of source tables."""
    for s, source in enumerate(of.spec.sources):
        for t, table in enumerate(source.tables):
            for c, col in enumerate(table.columns):
                path = ("sources", s, "tables", t, "columns", c, "type")
                yield from _type(of, path, f"{source.name}.{table.name}.{col.name}", col.type)


def _type(of: SpecView, path: Path, subject: str, kind: str | None) -> Iterator[Finding]:
    if kind is None:
        return
    try:
        type_sql(kind, of.spec.dialect, "duckdb")
    except SqlError as error:
        yield of.find(
            "SPEC003",
            Severity.ERROR,
            f"{subject}: {error.message}",
            path,
            f"write a type of {of.spec.dialect}, or change dialect",
            subject,
        )


def _short(text: str, width: int = 60) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= width else f"{flat[: width - 3]}..."


EXPRESSION_RULES = (parses, scalar, windows, deterministic)
MODEL_RULES = (model_types,)
SPEC_RULES = (source_types,)
