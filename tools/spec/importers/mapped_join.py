"""How the joins of a ``spec.json`` keep the grain of the model that declares them.

The form says which tables meet on which columns, and not how many rows meet. Per joined table:
aggregates over it are brought to one row per key before the join; a description that speaks of a
choice (best, latest) makes a pick of one row; otherwise the key is taken to be unique there, which
a test then shows. All but the first are open questions.
"""

from __future__ import annotations

import re
from typing import Any

from tools.spec.importers.mapped_shape import Filter, Joining
from tools.spec.importers.mapped_view import DIALECT, View, moments_of
from tools.sql.analyse import (
    ColumnRef,
    aggregates_in,
    columns_in,
    conjuncts,
    equalities,
    is_aggregate,
    rename,
    replace_nodes,
)
from tools.sql.parse import Node, column, parse_expression
from tools.sql.render import render

_CHOICE = re.compile(
    r"\b(best|latest|newest|oldest|primary|preferred|first|last|main|most recent|current)\b",
    re.IGNORECASE,
)
_MOMENT_NAME = re.compile(r"(^|_)(date|day|month|year|ts|at|time|timestamp|from|to|valid)($|_)")
_ARITHMETIC = ("mul", "div", "add", "sub")
_COUNTS = ("count", "countif", "approxdistinct")


def convert_join(view: View, position: int, joining: Joining) -> dict[str, Any] | None:
    """One join of the form as a canonical one; rewrites the view's trees where it aggregates."""
    where = ("joins", position)
    if not (
        view.knows(joining.left_table, *where, "left_table")
        and view.knows(joining.right_table, *where, "right_table")
    ):
        return None
    on = view.parse(joining.condition, (*where, "condition"))
    if on is None:
        return None
    alias = joining.right_table
    join: dict[str, Any] = {"to": view.aliases[alias], "type": joining.type}
    join["on"] = joining.condition
    keys = _keys(on, alias)
    if not keys:
        view.note(f"{alias}: no column of it is set equal in the join condition", *where)
    elif not view.shape.group_by and _is_aggregated(view, alias):
        _aggregate(view, joining, keys, join, where)
    else:
        _one_row(view, on, keys, join, where)
    _filter(view, joining, join)
    return join


def _keys(on: Node, alias: str) -> tuple[str, ...]:
    """The columns of a table that a condition sets equal to columns of other tables."""
    found = [
        mine.name
        for pair in equalities(on)
        for mine, other in (pair, pair[::-1])
        if mine.table == alias and other.table != alias
    ]
    return tuple(dict.fromkeys(found))


def _owner(view: View, position: int, call: Node) -> set[str]:
    """The tables that an aggregate call reads; the mapped one for ``count(*)``."""
    tables = {ref.table or view.home for ref in columns_in(call)}
    return tables or {view.shape.column_mapping[position].from_table or view.home}


def _is_aggregated(view: View, alias: str) -> bool:
    return any(
        alias in _owner(view, position, call)
        for position, tree in view.trees.items()
        for call in aggregates_in(tree)
    )


def _aggregate(
    view: View, joining: Joining, keys: tuple[str, ...], join: dict[str, Any], where: Any
) -> None:
    """Bring the joined table to one row a key; put its measures into the columns' expressions."""
    alias, outer = joining.right_table, joining.type in ("left", "full")
    measures: dict[str, tuple[Node, dict[str, Any]]] = {}
    for position, tree in list(view.trees.items()):
        pairs, whole = [], True
        for call in aggregates_in(tree):
            tables = _owner(view, position, call)
            if tables == {alias}:
                name = _measure(view, position, call, measures, keys)
                swap = column(name, alias)
                if outer and call.key in _COUNTS:
                    # A count over no rows is 0; over the missing row of a left join it is NULL.
                    swap = parse_expression("coalesce({m}, 0)", DIALECT, {"m": swap})
                pairs.append((call, swap))
            elif alias in tables:
                names = " and ".join(sorted(tables))
                hint = "aggregate the columns of one table, and combine the results"
                message = f"an aggregate over columns of {names} cannot be taken before the join"
                view.error(message, "column_mapping", position, "transform", hint=hint)
                whole = False
        if pairs:
            view.trees[position] = replace_nodes(tree, pairs)
            view.rewritten.add(position)
        if whole:
            _expect_no_plain(view, position, alias, {*keys, *measures})
    by = ", ".join(keys)
    join["aggregate"] = {"by": list(keys), "columns": [m for _, m in measures.values()]}
    join["cardinality"] = "many_to_one"
    join["why"] = (
        f"{alias} is brought to one row per {by} before the join, so no row is counted twice"
    )
    view.note(f"aggregates over {alias} are taken per {by}, before the join", *where)


def _measure(
    view: View,
    position: int,
    call: Node,
    measures: dict[str, tuple[Node, dict[str, Any]]],
    keys: tuple[str, ...],
) -> str:
    """The name of the measure that an aggregate call becomes; equal calls share one."""
    known = next((name for name, (node, _) in measures.items() if node == call), None)
    if known is not None:
        return known
    item = view.shape.column_mapping[position]
    whole = view.trees[position] == call
    source = next(iter(columns_in(call)), None)
    name = item.target_column if whole else f"{source.name if source else 'row'}_{call.key}"
    stem, number = name, 2
    while name in measures or name in keys:
        name, number = f"{stem}_{number}", number + 1
    bare = {ref: column(ref.name) for ref in columns_in(call)}
    measure: dict[str, Any] = {"name": name, "expr": render(rename(call, bare), DIALECT)}
    if whole and item.type:
        measure["type"] = item.type
    measures[name] = (call, measure)
    return name


def _expect_no_plain(view: View, position: int, alias: str, known: set[str]) -> None:
    """Once a table is one row a key, only its keys and measures are there."""
    gone = [c.name for c in columns_in(view.trees[position]) if c.table == alias]
    for name in (n for n in gone if n not in known):
        message = f"{alias}.{name} is taken as it is while other columns of {alias} are aggregated"
        hint = "aggregate it too, or add it to the join condition"
        view.error(message, "column_mapping", position, hint=hint)


def _one_row(view: View, on: Node, keys: tuple[str, ...], join: dict[str, Any], where: Any) -> None:
    """A table that is joined for its columns as they are."""
    reference, by = join["to"], ", ".join(keys)
    alias = reference.rsplit(".", 1)[-1]
    declared = view.draft.key_of(reference)
    if declared and set(declared) <= set(keys):
        join["cardinality"] = "many_to_one"
        return
    choice = _choice(view, alias)
    if choice is not None:
        order = list(view.columns_used(alias))
        join["pick"] = {"by": list(keys), "order_by": order}
        join["cardinality"] = "many_to_one"
        question = f'which row of {alias} is meant ("{choice[1]}") when one {by} has several?'
        assumption = f"the first one per {by}, in the order of {', '.join(order)}"
        view.ask(alias, question, assumption, "column_mapping", choice[0], "description")
        return
    join["cardinality"] = "many_to_one"
    table = view.draft.tables.get(reference)
    if table is not None and not view.shape.group_by:
        table.setdefault("primary_key", list(keys))
    unique = f"{reference} has one row per {by}"
    tested = f"{unique}; a unique test guards it"
    factor = _factor(view, alias)
    if factor is None or _has_moment(on, keys):
        view.ask(alias, f"is it sure that {unique}?", f"yes: {tested}", *where)
        return
    thing = re.sub(r"(?<!s)s$", "", alias.replace("_", " "))
    candidates = ", ".join(moments_of(view.shape))
    question = (
        f"the date of the {thing} is not defined: as of which date is {alias}.{factor} meant? "
        f"The join has no condition on a date"
        + (f"; columns that could give it: {candidates}" if candidates else "")
    )
    view.ask(
        alias, question, f"there is one {factor} per {by}, whatever the date: {tested}", *where
    )


def _choice(view: View, alias: str) -> tuple[int, str] | None:
    """The mapped column of a table whose description speaks of a choice between rows."""
    for position, item in enumerate(view.shape.column_mapping):
        uses = (
            any(c.table == alias for c in columns_in(view.trees[position]))
            if (position in view.trees)
            else False
        )
        if uses and item.description and _CHOICE.search(item.description):
            return position, item.description
    return None


def _factor(view: View, alias: str) -> str | None:
    """A column of a table that is calculated with: a rate, a price."""
    for tree in view.trees.values():
        for part in tree.walk():
            if part.key in _ARITHMETIC:
                found = next((c.name for c in columns_in(part) if c.table == alias), None)
                if found is not None:
                    return found
    return None


def _has_moment(on: Node, keys: tuple[str, ...]) -> bool:
    """Whether a join condition ties the rows to a time."""
    ranges = len(conjuncts(on)) > len(equalities(on))
    return ranges or any(_MOMENT_NAME.search(key.lower()) for key in keys)


def _filter(view: View, joining: Joining, join: dict[str, Any]) -> None:
    """The filters on the joined table."""
    found = [
        (position, item)
        for position, item in enumerate(view.shape.filters)
        if item.applies_to == joining.right_table
    ]
    if not found:
        return
    join["filter"] = together([item for _, item in found])
    join["filter_at"] = "before_join"
    for position, item in found:
        if joining.type == "inner":
            continue
        reason = f" ({item.rationale})" if item.rationale else ""
        view.ask(
            joining.right_table,
            f"does the filter {item.predicate!r}{reason} apply before the join or after it?",
            f"before: rows of {view.home} without such a row of {joining.right_table} are kept",
            "filters",
            position,
        )


def together(filters: list[Filter]) -> str:
    """The predicates of several filters as one."""
    texts = [item.predicate for item in filters]
    return texts[0] if len(texts) == 1 else " AND ".join(f"({text})" for text in texts)


def join_after_group(view: View, alias: str) -> dict[str, Any] | None:
    """A second source of a grouped model, joined on the group key after the grouping.

    Joined before it would multiply the rows that are counted and summed.
    """
    reference, keys = view.aliases[alias], list(view.shape.group_by)
    where = ("sources", view.shape.sources.index(reference))
    own = view.draft.key_of(reference)
    if not keys or set(own) != set(keys):
        message = f"the source {alias} is not joined to {view.home}"
        hint = "add it to joins with a condition"
        if keys and own:
            hint += f" (its key is {', '.join(own)}, the group key is {', '.join(keys)})"
        view.error(message, *where, hint=hint)
        return None
    by = ", ".join(keys)
    question = f"{alias} is a source without a join: how does it meet {view.home}?"
    assumption = (
        f"one row per {by}, joined after the grouping so that no row is counted twice; where "
        f"{alias} has no row the columns are NULL, and rows of {alias} that {view.home} does not "
        f"have are left out"
    )
    view.ask(alias, question, assumption, *where)
    return {
        "to": reference,
        "type": "left",
        "on": " AND ".join(f"{view.home}.{key} = {alias}.{key}" for key in keys),
        "cardinality": "one_to_one",
        "after_group_by": True,
        "why": f"{alias} has one row per {by}: joined before the grouping it would multiply rows",
    }


def over_one_row(tree: Node, alias: str) -> Node | None:
    """An aggregate over a table that has one row a group, as what it is: a plain expression.

    None for an aggregate that is not known to be the value itself over one row.
    """
    pairs: list[tuple[Node, Node]] = []
    for call in aggregates_in(tree):
        inner = call.this
        if isinstance(inner, Node) and inner.key == "distinct":
            inner = inner.expressions[0]
        if not isinstance(inner, Node):
            return None
        if call.key == "count":
            inner = parse_expression(
                "case when {x} is null then 0 else 1 end", DIALECT, {"x": inner}
            )
        elif call.key == "countif":
            inner = parse_expression("case when {x} then 1 else 0 end", DIALECT, {"x": inner})
        elif call.key not in ("sum", "min", "max", "avg", "anyvalue"):
            return None
        pairs.append((call, inner))
    plain = replace_nodes(tree, pairs)
    if is_aggregate(plain):
        return None
    return rename(
        plain, {ColumnRef(c.name, c.table): column(c.name, alias) for c in columns_in(plain)}
    )
