"""What a query gives: its columns and what identifies its rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from sqlglot import exp

from tools.sql.analyse import conjuncts
from tools.sql.equivalent.keys import Rows
from tools.sql.equivalent.least import least
from tools.sql.equivalent.nulls import never_null
from tools.sql.equivalent.relation import UNKNOWN, Output, Relation
from tools.sql.equivalent.scope import Scope
from tools.sql.parse import Node

_COMBINATIONS = 6


def select_result(scope: Scope) -> Relation:
    """The relation that a select gives."""
    select = scope.select
    if scope.grouping_sets:
        return UNKNOWN
    outputs: list[Output] = []
    complete = True
    for item in select.expressions:
        if item.is_star:
            starred, all_known = _starred(scope, item)
            outputs += starred
            complete = complete and all_known
        elif item.find(exp.Unnest, exp.Explode):
            return UNKNOWN
        else:
            outputs.append(_output(scope, item))
    names = [o.name.lower() for o in outputs]
    if len(set(names)) != len(names):
        return UNKNOWN
    return Relation(tuple(outputs), complete, frozenset(_keys(scope)) if complete else frozenset())


def union_result(node: exp.SetOperation, left: Relation, right: Relation) -> Relation:
    """The relation that a set operation gives."""
    fits = left.complete and right.complete and len(left.columns) == len(right.columns)
    if node.args.get("by_name") or not fits:
        return UNKNOWN
    columns = tuple(
        Output(
            a.name,
            a.type if a.type == b.type else None,
            a.nullable or b.nullable,
            constant=a.constant if a.constant == b.constant else None,
        )
        for a, b in zip(left.columns, right.columns, strict=True)
    )
    every = frozenset(c.name.lower() for c in columns)
    if isinstance(node, exp.Union):
        keys = frozenset(_keys_apart(left, right))
        return Relation(columns, True, keys | ({every} if node.args.get("distinct") else set()))
    known = {*left.keys, every} if node.args.get("distinct") else set(left.keys)
    return Relation(tuple(replace(c, origin=None) for c in left.columns), True, frozenset(known))


def _keys_apart(left: Relation, right: Relation) -> Iterable[frozenset[str]]:
    """Keys of both sides with a column that tells the sides apart: ``'U'`` here, ``'D'`` there."""
    pairs = list(zip(left.columns, right.columns, strict=True))
    named = {b.name.lower(): a.name.lower() for a, b in pairs}
    marks = [a for a, b in pairs if a.constant and b.constant and a.constant != b.constant]
    for mark in marks:
        for one in left.keys:
            for other in right.keys:
                yield one | {named[n] for n in other} | {mark.name.lower()}


def _starred(scope: Scope, item: Node) -> tuple[list[Output], bool]:
    star = item.this if isinstance(item, exp.Column) else item
    table = item.table.lower() if isinstance(item, exp.Column) else ""
    changed = any(star.args.get(k) for k in ("except_", "rename", "replace"))
    if not isinstance(star, exp.Star) or changed or not scope.plain:
        return [], False
    chosen = [s for s in scope.sources if not s.hidden and table in ("", s.alias)]
    outputs = [
        _copied(scope, exp.column(c.name, table=s.alias), c.name)
        for s in chosen
        for c in s.relation.columns
    ]
    return outputs, all(s.relation.complete for s in chosen) and bool(chosen)


def _output(scope: Scope, item: Node) -> Output:
    inner = item.unalias()
    if isinstance(inner, exp.Column):
        return _copied(scope, inner, item.alias_or_name)
    constant = inner.this if isinstance(inner, exp.Literal) and inner.is_string else None
    return Output(
        item.alias_or_name or inner.sql(),
        scope.type_of(inner),
        not _filled(scope, inner),
        constant=constant,
        least=least(inner, scope, tuple(scope.filters())),
    )


def _copied(scope: Scope, column: exp.Column, name: str) -> Output:
    owner = scope.resolve(column)
    if owner is None:
        return Output(name)
    source, output = owner
    return Output(
        name,
        output.type,
        not scope.not_null(column),
        output.origin,
        output.whole and source == scope.sources[0] and _keeps_first(scope),
        output.row,
        None if source.absent else output.constant,
        least(column, scope, tuple(scope.filters())),
    )


def _filled(scope: Scope, node: Node) -> bool:
    """Whether an output surely is not NULL; in a group there is at least one row."""

    def aggregate(part: Node) -> Node:
        plain = isinstance(part, exp.Min | exp.Max | exp.Sum | exp.Avg | exp.AnyValue)
        if plain and not isinstance(part.parent, exp.Window | exp.Filter):
            sure = part.this is not None and scope.surely(part.this)
            return exp.Boolean(this=True) if sure else exp.Null()
        return part

    if scope.aggregated and not scope.select.args.get("group"):
        return isinstance(node, exp.Count)
    if scope.aggregated:
        return never_null(node.copy().transform(aggregate), scope.not_null)
    return scope.surely(node)


def _keeps_first(scope: Scope) -> bool:
    """Whether every value of the first source stays: only left joins, no filter."""
    args = scope.select.args
    limited = any(args.get(k) for k in ("having", "qualify", "limit", "offset", "sample"))
    where = args.get("where")
    limited = limited or not all(
        _always(scope, p) for p in (conjuncts(where.this) if where is not None else ())
    )
    distinct = args.get("distinct")
    limited = limited or (distinct is not None and bool(distinct.args.get("on")))
    return not limited and scope.plain and all(s.side == "LEFT" for s in scope.sources[1:])


def _always(scope: Scope, part: Node) -> bool:
    """Whether a condition is ``x is not null`` of something that never is."""
    inner = part.this.unnest() if isinstance(part, exp.Not) else None
    tested = isinstance(inner, exp.Is) and isinstance(inner.expression, exp.Null)
    return tested and inner is not None and never_null(inner.this, scope.given)


def group_terms(scope: Scope) -> list[Node] | None:
    """What a select groups by, ordinals and ALL resolved; None when it is not a plain grouping."""
    group = scope.select.args.get("group")
    items = scope.select.expressions
    if group is None or scope.grouping_sets:
        return None
    if group.args.get("all"):
        return [i.unalias() for i in items if not i.find(exp.AggFunc)]
    found: list[Node] = []
    for node in group.expressions:
        if isinstance(node, exp.Literal) and node.is_int and 0 < int(node.this) <= len(items):
            found.append(items[int(node.this) - 1].unalias())
        elif isinstance(node, exp.Column) and not node.table and scope.resolve(node) is None:
            named = [i for i in items if i.alias.lower() == node.name.lower()]
            if len(named) != 1:
                return None
            found.append(named[0].unalias())
        else:
            found.append(node)
    return found


def identifying(scope: Scope, *, qualified: bool = True) -> list[Callable[[set[str]], bool]]:
    """Tests whether terms identify the rows of a select; one that says so is enough.

    Args:
        scope: the select.
        qualified: whether the rows are meant that QUALIFY leaves, rather than those before it.
    """
    rows = Rows(scope)
    tests: list[Callable[[set[str]], bool]] = []
    group = scope.select.args.get("group")
    if not scope.aggregated:
        tests.append(rows.identified)
    elif group is not None:
        terms = [scope.term(n) for n in group_terms(scope) or []]
        if terms and all(terms):
            wanted = {t for t in terms if t}
            tests.append(lambda known: wanted <= rows.closure(known))
    else:
        tests.append(lambda _: True)  # aggregates without GROUP BY: one row
    first = _first_of(scope) if qualified else None
    if first is not None:
        tests.append(lambda known: first <= rows.closure(known))
    return tests


def _first_of(scope: Scope) -> set[str] | None:
    """The partition of which QUALIFY keeps one row: ``row_number() over (partition by ..) = 1``."""
    qualify = scope.select.args.get("qualify")
    for part in conjuncts(qualify.this) if qualify is not None else ():
        if isinstance(part, exp.EQ) and isinstance(part.this, exp.Window):
            window, other = part.this, part.expression
            if isinstance(window.this, exp.RowNumber) and other.sql() == "1" and not window.alias:
                terms = [scope.term(n) for n in window.args.get("partition_by") or []]
                if all(terms):
                    return {t for t in terms if t}
    return None


def _keys(scope: Scope) -> Iterable[frozenset[str]]:
    select = scope.select
    names = {i: i.alias_or_name.lower() for i in select.expressions if not i.is_star}
    term_of = {name: scope.term(i.unalias()) for i, name in names.items()}
    for item in select.expressions:
        if item.is_star:
            term_of |= {
                o.name.lower(): _star_term(scope, item, o) for o in _starred(scope, item)[0]
            }
    known = {name: term for name, term in term_of.items() if term}
    everything = frozenset(term_of)
    limit = select.args.get("limit")
    if limit is not None and limit.expression.sql() == "1":
        yield frozenset()
    distinct = select.args.get("distinct")
    if distinct is not None and not distinct.args.get("on"):
        yield everything
    yield from _numbered(scope, known)
    yield from _furthest(scope, known)
    tests = identifying(scope)
    for order in _orders(list(known)):
        key = _smallest(order, known, tests)
        if key is not None:
            yield key


def _numbered(scope: Scope, known: dict[str, str]) -> Iterable[frozenset[str]]:
    """A row number with what it is partitioned by identifies the row."""
    for item in scope.select.expressions:
        window = item.unalias()
        if isinstance(window, exp.Window) and isinstance(window.this, exp.RowNumber):
            terms = [scope.term(n) for n in window.args.get("partition_by") or []]
            names = [next((n for n, t in known.items() if t == term), None) for term in terms]
            if not window.args.get("alias") and all(names):
                yield frozenset({item.alias_or_name.lower(), *(n for n in names if n)})


def _furthest(scope: Scope, known: dict[str, str]) -> Iterable[frozenset[str]]:
    """The least or largest x of each part of a partition, with the partition, identifies a part.

    Where partition and x identify the rows, parts have no x in common, and each has its least one.
    """
    first = _first_of(scope)
    for item in scope.select.expressions if first is not None and not scope.aggregated else ():
        window = item.unalias()
        plain = isinstance(window, exp.Window) and isinstance(window.this, exp.Min | exp.Max)
        if not plain or any(window.args.get(k) for k in ("order", "spec", "alias")):
            continue
        value = scope.term(window.this.this)
        parts = {scope.term(n) for n in window.args.get("partition_by") or []}
        given = {n: t for n, t in known.items() if t in parts}
        if value is None or first is None or parts != first:
            continue
        tests = identifying(scope, qualified=False)
        if any(test({value, *given.values()}) for test in tests):
            yield frozenset({item.alias_or_name.lower(), *given})


def _star_term(scope: Scope, item: Node, output: Output) -> str | None:
    table = item.table if isinstance(item, exp.Column) else None
    owners = [
        s for s in scope.sources
        if s.relation.column(output.name) and table in (None, "", s.alias) and not s.hidden
    ]  # fmt: skip
    return f"{owners[0].alias}.{output.name.lower()}" if len(owners) == 1 else None


def _orders(names: list[str]) -> list[list[str]]:
    """A few orders in which columns are given up, so that several keys are found."""
    turns = [names[at:] + names[:at] for at in range(min(len(names), _COMBINATIONS))]
    return [*turns, names[::-1]]


def _smallest(
    names: list[str], term_of: dict[str, str], tests: list[Callable[[set[str]], bool]]
) -> frozenset[str] | None:
    """A set of columns that identifies rows and loses that when any one is taken away."""

    def identifies(chosen: list[str]) -> bool:
        terms = {term_of[n] for n in chosen}
        return any(test(terms) for test in tests)

    if not identifies(names):
        return None
    kept = list(names)
    for name in names:
        fewer = [n for n in kept if n != name]
        if identifies(fewer):
            kept = fewer
    return frozenset(kept)
