"""Fan-out: measures over rows that a join has multiplied count some of them again."""

from __future__ import annotations

from collections.abc import Iterator

from tools.findings import Finding, Severity
from tools.spec.checks.cardinality import TO_ONE, table_keys
from tools.spec.checks.parts import Expression, expressions
from tools.spec.checks.view import ModelView
from tools.spec.transform import Join
from tools.sql.analyse import ColumnRef, columns_in, functions_in
from tools.sql.grain import determined_columns, duplicate_sensitive
from tools.sql.parse import Node, SqlError


def counts_once(view: ModelView) -> Iterator[Finding]:
    """SPEC025: a measure that is not about the rows of a table that multiplies the others."""
    for join in _joins(view):
        if join.cardinality in (None, *TO_ONE):
            continue
        finer = {join.alias.lower(), *_hanging_on(view, join)}
        for measure, call in _calls(view):
            owners = _owners(view, call)
            paired = owners & finer and owners - finer
            if not owners & finer or (join.cardinality == "many_to_many" and not paired):
                yield _finding(view, join, measure, Severity.ERROR)


def sums_the_one_side(view: ModelView) -> Iterator[Finding]:
    """SPEC025: a sum of a looked-up value, which is there once for each row that looks it up."""
    for join in _joins(view):
        if join.cardinality != "many_to_one" or _is_one_to_one(view, join):
            continue
        for measure, call in _calls(view):
            if _owners(view, call) == {join.alias.lower()} and "sum" in functions_in(call):
                yield _finding(view, join, measure, Severity.WARNING)


def _joins(view: ModelView) -> Iterator[Join]:
    for join in view.model.joins if view.model.is_aggregate else []:
        if not join.after_group_by and join.type != "cross":
            yield join


def _calls(view: ModelView) -> Iterator[tuple[Expression, Node]]:
    for e in expressions(view):
        if e.place == "aggregate" and e.tree is not None and e.path[2] == "aggregations":
            for call in duplicate_sensitive(e.tree):
                yield e, call


def _finding(view: ModelView, join: Join, e: Expression, severity: Severity) -> Finding:
    if severity is Severity.ERROR:
        message = f"{e.about} counts rows again for each row of {join.to}: {e.text}"
        hint = (
            f"aggregate {join.to} to one row a key in the join, or measure columns of {join.alias}"
        )
    else:
        message = f"{e.about} adds a value of {join.to} once for each row that finds it: {e.text}"
        hint = "if it is to count once, join it with after_group_by, or aggregate before the join"
    return view.of.find("SPEC025", severity, message, e.path, hint, e.subject)


def _owners(view: ModelView, call: Node) -> set[str]:
    return {_owner(view, ref) for ref in columns_in(call)}


def _owner(view: ModelView, ref: ColumnRef) -> str:
    if ref.table is not None:
        return ref.table.lower()
    found = [a for a, r in view.rows.items() if r.column(ref.name)]
    home = view.model.alias
    return (home if home in found or not found else found[0]).lower()


def _linked_to(view: ModelView, join: Join) -> set[str]:
    """The aliases (lower case) that ``on`` of a join compares it with."""
    try:
        tree = view.of.parse(join.on or "true", view.rows, view.model.alias)
    except SqlError:
        return set()
    return {_owner(view, ref) for ref in columns_in(tree)} - {join.alias.lower()}


def _hanging_on(view: ModelView, base: Join) -> set[str]:
    """The tables (lower case) of which each row belongs to one row of ``base``.

    They are joined to it, or to one of themselves, as its many side: an item hangs on its order.
    """
    found: set[str] = set()
    for join in view.model.joins:
        one_each = join.cardinality in ("one_to_many", "one_to_one") and not join.after_group_by
        if one_each and _linked_to(view, join) & {base.alias.lower(), *found}:
            found.add(join.alias.lower())
    return found


def _is_one_to_one(view: ModelView, join: Join) -> bool:
    """Whether a join declared many-to-one compares the whole key of ``from``."""
    home = view.model.alias
    try:
        tree = view.of.parse(join.on or "true", view.rows, home)
    except SqlError:
        return True  # said by SPEC002
    fixed = determined_columns(tree, home, [c.name for c in view.relations[home].columns])
    return any(key <= fixed for key in table_keys(view, view.model.from_))


MODEL_RULES = (counts_once, sums_the_one_side)
