"""Grouping: aggregations aggregate, by columns that are said, to the grain that is said."""

from __future__ import annotations

from collections.abc import Iterator

from tools.findings import Finding, Severity
from tools.spec.checks.parts import Expression
from tools.spec.checks.view import ModelView, split
from tools.sql.analyse import is_aggregate
from tools.sql.grain import columns_outside_aggregates


def has_keys(view: ModelView) -> Iterator[Finding]:
    """SPEC040: aggregations need to say by what."""
    model = view.model
    if model.aggregations and not model.group_by:
        names = ", ".join(m.name for m in model.aggregations)
        yield view.find(
            "SPEC040",
            Severity.ERROR,
            f"{model.name} aggregates ({names}) without group_by",
            "aggregations",
            hint="say group_by with the columns that its rows are about",
        )


def aggregates(e: Expression) -> Iterator[Finding]:
    """SPEC041: an aggregation is made of aggregate calls and of what is grouped by."""
    if e.place != "aggregate" or e.tree is None:
        return
    if not is_aggregate(e.tree):
        message = f"{e.about} does not aggregate: {e.text}"
        hint = "write an aggregate such as sum(...), or move it to columns"
        yield e.of.find("SPEC041", Severity.ERROR, message, e.path, hint, e.subject)
        return
    for ref in columns_outside_aggregates(e.tree):
        grouped = e.grouped or {}
        alias = ref.table or e.home
        relation = next((r for a, r in grouped.items() if a.lower() == alias.lower()), None)
        if relation is not None and relation.column(ref.name) is not None:
            continue
        if ref.table is None and any(r.column(ref.name) for r in grouped.values()):
            continue
        message = f"{e.about} uses {ref} outside of an aggregate, and rows are not grouped by it"
        hint = f"put it inside an aggregate, such as max({ref}), or group by it"
        yield e.of.find("SPEC041", Severity.ERROR, message, e.path, hint, e.subject)


def grain_is_grouped(view: ModelView) -> Iterator[Finding]:
    """SPEC042: grouped rows have the grain of their keys."""
    model = view.model
    shown = {
        c.name.lower(): split(c.from_).name.lower()
        for c in model.columns
        if c.expr is None and c.from_ is not None
    }
    grain = {shown.get(name.lower(), name.lower()) for name in model.grain}
    keys = {split(name).name.lower() for name in model.group_by}
    fans_out = any(j.after_group_by and (j.cardinality or "").endswith("many") for j in model.joins)
    if not keys or not grain or keys == grain or fans_out:  # a fan-out is judged by SPEC024
        return
    part = grain < keys
    yield view.find(
        "SPEC042",
        Severity.WARNING if part else Severity.ERROR,
        f"{model.name} declares the grain {', '.join(model.grain)} and groups by "
        f"{', '.join(model.group_by)}",
        "grain",
        hint="make the two equal; what follows from the key can be an aggregate such as max(...)"
        if part
        else "make the two equal",
    )


def having(view: ModelView) -> Iterator[Finding]:
    """SPEC043: having filters groups."""
    if view.model.having is not None and not view.model.is_aggregate:
        yield view.find(
            "SPEC043",
            Severity.ERROR,
            f"{view.model.name} has having and groups nothing",
            "having",
            hint="write the condition in where, or say group_by",
        )


EXPRESSION_RULES = (aggregates,)
MODEL_RULES = (has_keys, grain_is_grouped, having)
