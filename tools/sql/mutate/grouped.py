"""A fault in an expression that rows are grouped by: it is made wherever the expression stands.

A select repeats what it groups by. Changed in one place alone, the query would not bind; who makes
the mistake makes it in both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sqlglot import exp

from tools.sql.equivalent.result import group_terms
from tools.sql.mutate.change import Change, Edit, applied, swap
from tools.sql.mutate.query import Query
from tools.sql.parse import Node


def everywhere(change: Change, query: Query) -> Change:
    """The change, made in every place of an expression that its select groups by."""
    if len(change.edits) != 1:
        return change
    found = _term(change.site, query)
    if found is None:
        return change
    select, term = found
    parent, key, index = term.parent, term.arg_key, term.index
    if parent is None or key is None:
        return change
    with applied(change):
        held = parent.args[key]
        new = (held[index] if index is not None else held).unalias().copy()
    if new == term:
        return change
    uses = list(uses_of(select, term))
    return replace(change, edits=merged([swap(use, new.copy()) for use in uses]))


def _term(site: Node, query: Query) -> tuple[exp.Select, Node] | None:
    """The group expression that a place belongs to, as it stands there."""
    scope = query.scope(site)
    terms = group_terms(scope) if scope is not None else None
    at: Node | None = site
    while terms and at is not None and not isinstance(at, exp.AggFunc | exp.Query):
        if any(at == term for term in terms) and scope is not None:
            return scope.select, at
        at = at.parent
    return None


def uses_of(select: exp.Select, term: Node) -> Iterator[Node]:
    """Where a group expression stands: not within an aggregate or a subquery."""
    args = select.args
    places = [*select.expressions, args.get("group"), args.get("having"), args.get("qualify")]
    for place in places:
        if place is not None:
            inside = place.walk(prune=lambda n: isinstance(n, exp.AggFunc | exp.Query))
            yield from (node for node in inside if node == term)


def merged(edits: list[Edit]) -> tuple[Edit, ...]:
    """Edits of one list in one edit, so that the later ones do not undo the earlier ones."""
    found: dict[tuple[int, str], Edit] = {}
    for edit in edits:
        before = found.get((id(edit.node), edit.key))
        if before is None or not isinstance(edit.value, list):
            found[id(edit.node), edit.key] = edit
        else:
            old = edit.node.args[edit.key]
            items = _both(before.value, edit.value, old)
            found[id(edit.node), edit.key] = Edit(edit.node, edit.key, items)
    return tuple(found.values())


def _both(first: list[Any], second: list[Any], old: list[Any]) -> list[Any]:
    pairs = zip(first, second, old, strict=True)
    return [one if one is not was else other for one, other, was in pairs]
