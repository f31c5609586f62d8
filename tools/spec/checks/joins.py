"""Joins: two sides that are linked, under names of their own, in parts that fit together."""

from __future__ import annotations

from collections.abc import Iterator

from tools.findings import Finding, Severity
from tools.spec.checks.view import ModelView
from tools.spec.transform import Join
from tools.sql.analyse import ColumnRef, columns_in
from tools.sql.parse import SqlError


def cross(view: ModelView) -> Iterator[Finding]:
    """SPEC020: every row with every row is no join that keeps a grain."""
    for j, join in enumerate(view.model.joins):
        if join.type == "cross":
            yield view.find(
                "SPEC020",
                Severity.ERROR,
                f"a cross join gives every row of {join.to} to every row",
                "joins", j, "type",
                hint="join on a key; for a table of one row, on a column that holds a constant",
                subject=join.alias,
            )  # fmt: skip


def linked(view: ModelView) -> Iterator[Finding]:
    """SPEC021: ``on`` is there and speaks of both sides."""
    for j, join in enumerate(view.model.joins):
        if join.type == "cross":
            continue
        if join.on is None:
            message = f"the join of {join.to} has no on"
            hint = f"say which columns are equal, such as {view.model.alias}.id = {join.alias}.id"
            yield view.find(
                "SPEC021", Severity.ERROR, message, "joins", j, hint=hint, subject=join.alias
            )
            continue
        yield from _both_sides(view, j, join, join.on)


def _both_sides(view: ModelView, j: int, join: Join, on: str) -> Iterator[Finding]:
    scope = view.joined(j, after=join.after_group_by)
    try:
        refs = columns_in(view.of.parse(on, scope, view.model.alias))
    except SqlError:
        return  # said by SPEC002
    sides = {_side(view, join, ref) for ref in refs}
    if "open" in sides or {"joined", "rows"} <= sides:
        return
    missing = join.alias if "joined" not in sides else "the rows that it is joined to"
    yield view.find(
        "SPEC021",
        Severity.ERROR,
        f"on of join {join.alias} does not mention {missing}: {on}",
        "joins", j, "on",
        hint=f"compare a column of {join.alias} with one of {view.model.alias}; "
        "a condition on one side goes into filter",
        subject=join.alias,
    )  # fmt: skip


def _side(view: ModelView, join: Join, ref: ColumnRef) -> str:
    """Which side of a join a column is of: ``joined``, ``rows``, or ``open`` if unknowable."""
    if ref.table is not None:
        return "joined" if ref.table.lower() == join.alias.lower() else "rows"
    if view.relations[view.model.alias].column(ref.name):
        return "rows"
    joined = view.relations[join.alias]
    if joined.column(ref.name):
        return "joined"
    return "rows" if joined.known else "open"


def aliases(view: ModelView) -> Iterator[Finding]:
    """SPEC022: each relation has a name of its own."""
    seen = {view.model.alias.lower(): view.model.from_}
    for j, join in enumerate(view.model.joins):
        alias = join.alias.lower()
        if alias in seen:
            yield view.find(
                "SPEC022",
                Severity.ERROR,
                f"the alias {join.alias} already stands for {seen[alias]}",
                "joins", j,
                hint="give this join another name with as",
                subject=join.alias,
            )  # fmt: skip
        seen.setdefault(alias, join.to)


def parts(view: ModelView) -> Iterator[Finding]:
    """SPEC031 and SPEC043: parts of a join that cannot hold together."""
    for j, join in enumerate(view.model.joins):
        if join.pick and join.aggregate:
            yield view.find(
                "SPEC031",
                Severity.ERROR,
                f"join {join.alias} has pick and aggregate, and each brings it to one row a key",
                "joins", j, "aggregate",
                hint="keep one; to aggregate picked rows, pick in a model before this one",
                subject=join.alias,
            )  # fmt: skip
        if join.after_group_by and not view.model.is_aggregate:
            yield view.find(
                "SPEC043",
                Severity.ERROR,
                f"join {join.alias} is after_group_by, and {view.model.name} groups nothing",
                "joins", j, "after_group_by",
                hint="drop after_group_by, or say group_by",
                subject=join.alias,
            )  # fmt: skip


def outer_rows(view: ModelView) -> Iterator[Finding]:
    """SPEC032: rows that come from the joined side alone have NULL where the grain is."""
    for j, join in enumerate(view.model.joins):
        if join.type in ("right", "full"):
            yield view.find(
                "SPEC032",
                Severity.WARNING,
                f"the {join.type} join of {join.to} adds rows that {view.model.alias} has not",
                "joins", j, "type",
                hint="make sure that the grain comes from both sides, as with coalesce, or turn "
                "the join round",
                subject=join.alias,
            )  # fmt: skip


MODEL_RULES = (cross, linked, aliases, parts, outer_rows)
