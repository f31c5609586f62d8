"""Filters around outer joins: said where they act, and never an inner join in disguise."""

from __future__ import annotations

from collections.abc import Iterator

from tools.findings import Finding, Severity
from tools.spec.checks.view import ModelView
from tools.spec.transform import Join
from tools.sql.analyse import rejects_nulls_of
from tools.sql.parse import SqlError

_OUTER = ("left", "full")


def place(view: ModelView) -> Iterator[Finding]:
    """SPEC029: a filter says whether it acts before or after the join, where that differs."""
    for j, join in enumerate(view.model.joins):
        differs = join.type in _OUTER or join.pick is not None or join.aggregate is not None
        if join.filter is not None and join.filter_at is None and differs:
            yield view.find(
                "SPEC029",
                Severity.QUESTION,
                f"the filter of join {join.alias} may act before or after the join; assumed: "
                f"before_join, so that no row of {view.model.alias} is lost",
                "joins", j, "filter",
                hint="write filter_at: before_join, or after_join",
                subject=join.alias,
            )  # fmt: skip
        if join.filter is None and join.filter_at is not None:
            yield view.find(
                "SPEC029",
                Severity.ERROR,
                f"join {join.alias} has filter_at and no filter",
                "joins", j, "filter_at",
                hint="write the filter, or drop filter_at",
                subject=join.alias,
            )  # fmt: skip


def where_keeps_rows(view: ModelView) -> Iterator[Finding]:
    """SPEC030: ``where`` drops the rows that an outer join was chosen to keep."""
    where = view.model.where
    for join in view.model.joins if where else []:
        if join.type in _OUTER and not join.after_group_by and _rejects(view, join, where or ""):
            yield view.find(
                "SPEC030",
                Severity.ERROR,
                f"where drops the rows without {join.alias}, so its {join.type} join acts as an "
                f"inner one: {where}",
                "where",
                hint="move the condition to the join's filter with filter_at: before_join, or "
                "say type: inner",
                subject=join.alias,
            )


def filter_keeps_rows(view: ModelView) -> Iterator[Finding]:
    """SPEC030: the same, said with ``filter_at: after_join``: somebody decided, so a warning."""
    for j, join in enumerate(view.model.joins):
        late = join.filter_at == "after_join" and join.filter is not None
        if late and join.type in _OUTER and _rejects(view, join, join.filter or "", own=True):
            yield view.find(
                "SPEC030",
                Severity.WARNING,
                f"the filter of join {join.alias} drops the rows without it, so its {join.type} "
                "join acts as an inner one",
                "joins", j, "filter",
                hint="say type: inner, or filter_at: before_join to keep the rows",
                subject=join.alias,
            )  # fmt: skip


def later_join_keeps_rows(view: ModelView) -> Iterator[Finding]:
    """SPEC030: an inner join on a column of an outer joined table drops rows without that."""
    joins = view.model.joins
    for j, inner in enumerate(joins):
        if inner.type != "inner" or inner.on is None:
            continue
        for outer in joins[:j]:
            if outer.type in _OUTER and _rejects(view, outer, inner.on):
                yield view.find(
                    "SPEC030",
                    Severity.ERROR,
                    f"the inner join of {inner.alias} drops the rows without {outer.alias}, so the "
                    f"{outer.type} join of {outer.alias} acts as an inner one",
                    "joins", j, "on",
                    hint=f"join {inner.alias} with type: left, or {outer.alias} with type: inner",
                    subject=inner.alias,
                )  # fmt: skip


def _rejects(view: ModelView, join: Join, predicate: str, *, own: bool = False) -> bool:
    """Whether a predicate is not true where the joined row is missing.

    ``own`` says that bare names belong to the joined table first, as they do in its filter.
    """
    others = [r for a, r in view.relations.items() if a != join.alias]
    columns = [
        c.name
        for c in view.relations[join.alias].columns
        if own or not any(r.column(c.name) for r in others)
    ]
    try:
        tree = view.of.parse(predicate, view.relations, view.model.alias)
    except SqlError:
        return False  # said by SPEC002
    return rejects_nulls_of(tree, join.alias, columns)


MODEL_RULES = (place, where_keeps_rows, filter_keeps_rows, later_join_keeps_rows)
