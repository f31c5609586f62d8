"""The numbers that people speak of by name, worked out on the tables of a model."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import duckdb

from tools.spec.context import Metric, SemanticMeasure
from tools.spec.model import Spec
from tools.sql.parse import SqlError, column, parse_expression
from tools.sql.render import identifier, literal, render
from tools.verify.dataset import Table
from tools.verify.mutants.store import create_table

_AGGREGATES = {
    "sum": "sum({})", "count": "count({})", "count_distinct": "count(distinct {})",
    "average": "avg({})", "min": "min({})", "max": "max({})", "median": "median({})",
}  # fmt: skip

Values = dict[tuple[str, str], Any]
"""By kind (measure, metric) and name; an exception's text stands as :class:`Unknown`."""


class Unknown(str):
    """Why a number could not be worked out."""


def metrics_of(spec: Spec, tables: Mapping[str, Table]) -> Values:
    """The measures and metrics of a spec on some tables.

    Args:
        spec: whose semantic part it is.
        tables: the rows of its models, by model name.
    """
    measures = {m.name: _measure(spec, m, tables) for m in spec.semantic.measures}
    found: Values = {("measure", name): value for name, value in measures.items()}
    for metric in spec.semantic.metrics:
        found["metric", metric.name] = _metric(metric, measures, spec.dialect)
    return found


def _measure(spec: Spec, measure: SemanticMeasure, tables: Mapping[str, Table]) -> Any:
    name = measure.model or next((e.model for e in spec.semantic.entities if e.model), None)
    if name is None and len(spec.models) == 1:
        name = spec.models[0].name
    table = next((t for n, t in tables.items() if name and n.lower() == name.lower()), None)
    if table is None:
        return Unknown(f"{name} has no rows to work it out on" if name else "it names no model")
    if measure.agg == "count" and not measure.expr and table.index(measure.name) is None:
        return _asked("select count(*) from rows_of_it", table)
    try:
        marks = {c: column(c) for c in table.names}
        tree = parse_expression(measure.expr or measure.name, spec.dialect, marks)
        text = render(tree, "duckdb", read=spec.dialect)
    except SqlError as error:
        return Unknown(error.message)
    return _asked(f"select {_AGGREGATES[measure.agg].format(text)} from rows_of_it", table)


def _asked(query: str, table: Table | None = None) -> Any:
    connection = duckdb.connect(":memory:", config={"threads": 1})
    try:
        connection.execute("set timezone = 'UTC'")
        if table is not None:
            create_table(connection, "rows_of_it", table)
        found = connection.execute(query).fetchone()
        return found[0] if found else None
    except duckdb.Error as error:
        return Unknown(str(error).splitlines()[0])
    finally:
        connection.close()


def _metric(metric: Metric, measures: Mapping[str, Any], dialect: str) -> Any:
    if metric.type == "simple":
        return _named(measures, metric.measure or metric.name)
    if metric.type == "ratio":
        above, below = (_named(measures, n) for n in (metric.numerator, metric.denominator))
        unknown = next((v for v in (above, below) if isinstance(v, Unknown)), None)
        if unknown is not None:
            return unknown
        return None if above is None or not below else _number(above) / _number(below)
    if metric.type == "derived" and metric.expr:
        return _derived(metric.expr, measures, dialect)
    return Unknown(f"a {metric.type} metric needs a time axis, which rows made up do not have")


def _derived(text: str, measures: Mapping[str, Any], dialect: str) -> Any:
    known = {n: v for n, v in measures.items() if not isinstance(v, Unknown)}
    try:
        tree = parse_expression(text, dialect, {n: column(n) for n in known})
        query = render(tree, "duckdb", read=dialect)
        items = ", ".join(f"{literal(v)} as {identifier(n)}" for n, v in known.items())
    except SqlError as error:
        return Unknown(error.message)
    return _asked(f"select {query} from (select {items or '1 as nothing'})")


def _named(measures: Mapping[str, Any], name: str | None) -> Any:
    found = next((v for n, v in measures.items() if name and n.lower() == name.lower()), None)
    known = name is not None and name.lower() in {n.lower() for n in measures}
    return found if known else Unknown(f"there is no measure {name}")


def _number(value: Any) -> Decimal:
    return Decimal(str(value))
