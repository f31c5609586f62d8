"""The semantic layer: entities, dimensions, measures, metrics and terms that lead somewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tools.findings import Finding, Severity
from tools.spec.checks.surroundings import on_table, unknown_model
from tools.spec.checks.view import SpecView, has
from tools.spec.context import Dimension, Entity, Metric, SemanticMeasure
from tools.spec.edges import Path
from tools.spec.suggest import did_you_mean

# What each type of metric is made of.
_NEEDS = {
    "simple": ("measure",),
    "cumulative": ("measure",),
    "ratio": ("numerator", "denominator"),
    "derived": ("expr",),
}


def columns_exist(of: SpecView) -> Iterator[Finding]:
    """SPEC090 and the codes of expressions: each part is a column of a model."""
    semantic = of.spec.semantic
    kinds: tuple[tuple[str, str, Sequence[Entity | Dimension | SemanticMeasure]], ...] = (
        ("entities", "entity", semantic.entities),
        ("dimensions", "dimension", semantic.dimensions),
        ("measures", "measure", semantic.measures),
    )
    for kind, one, items in kinds:
        for i, item in enumerate(items):
            yield from _column(of, ("semantic", kind, i), f"{one} {item.name}", item)


def _column(
    of: SpecView, path: Path, about: str, item: Entity | Dimension | SemanticMeasure
) -> Iterator[Finding]:
    name = item.model
    if name is None and len(of.spec.models) == 1:
        name = of.spec.models[0].name
    table = of.table(name) if name is not None else None
    if name is None:
        message = f"{about} does not say of which model"
        yield of.find("SPEC090", Severity.ERROR, message, path, "write model", item.name)
    elif table is None:
        yield unknown_model(of, about, name, (*path, "model"))
    elif item.expr is not None:
        yield from on_table(of, item.expr, table, (*path, "expr"), about)
    elif table.known and not has(table.columns, item.name):
        counts_rows = isinstance(item, SemanticMeasure) and item.agg == "count"
        if not counts_rows:
            message = f"{about} has no expr, and {table.ref} has no column of that name"
            hint = did_you_mean(item.name, [c.name for c in table.columns])
            yield of.find("SPEC090", Severity.ERROR, message, (*path, "name"), hint, item.name)


def metrics(of: SpecView) -> Iterator[Finding]:
    """SPEC090 and SPEC094: metrics are made of measures that exist."""
    measures = [m.name for m in of.spec.semantic.measures]
    for i, metric in enumerate(of.spec.semantic.metrics):
        path: Path = ("semantic", "metrics", i)
        for need in _NEEDS[metric.type]:
            if getattr(metric, need) is None:
                message = f"metric {metric.name} is {metric.type} and has no {need}"
                hint = f"write {' and '.join(_NEEDS[metric.type])}"
                yield of.find("SPEC094", Severity.ERROR, message, path, hint, metric.name)
        yield from _measures(of, path, metric, measures)


def _measures(of: SpecView, path: Path, metric: Metric, known: list[str]) -> Iterator[Finding]:
    for part in ("measure", "numerator", "denominator"):
        name = getattr(metric, part)
        if name is not None and name.lower() not in {k.lower() for k in known}:
            yield of.find(
                "SPEC090",
                Severity.ERROR,
                f"metric {metric.name}: its {part} {name} is no measure",
                (*path, part),
                did_you_mean(name, known) or "declare it under semantic.measures",
                metric.name,
            )


def terms(of: SpecView) -> Iterator[Finding]:
    """SPEC090: a term lives in columns that exist."""
    for i, term in enumerate(of.spec.semantic.terms):
        for k, reference in enumerate(term.columns):
            path: Path = ("semantic", "terms", i, "columns", k)
            name, _, column = reference.rpartition(".")
            table = of.table(name) if name else None
            if table is None:
                yield unknown_model(of, f"term {term.name}", name or reference, path)
            elif table.known and not has(table.columns, column):
                message = f"term {term.name}: {table.ref} has no column {column}"
                hint = did_you_mean(column, [c.name for c in table.columns])
                yield of.find("SPEC090", Severity.ERROR, message, path, hint, term.name)


SPEC_RULES = (columns_exist, metrics, terms)
