"""The expressions of a query followed down to the columns of the relations that it reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from sqlglot import exp
from sqlglot.optimizer.scope import Scope, build_scope

from tools.sql.analyse import ColumnRef, columns_in, is_aggregate, rename
from tools.sql.parse import Node, SqlError, parse_query

Kind = Literal["output", "where", "having", "on", "group", "order"]
BaseColumn = tuple[str, str]
"""A relation, as the query names it without quotes, and a column of it; lower case."""

Known = Mapping[str, tuple[str, ...]]
"""The columns of relations, as far as they are known."""

_DEPTH = 40


@dataclass(frozen=True)
class Part:
    """An expression of some select of a query.

    Args:
        kind: which clause it is of.
        tree: the expression; columns as the select names them.
        at: which select, by number.
    """

    kind: Kind
    tree: Node
    at: int


@dataclass
class Traced:
    """A query taken apart.

    Args:
        known: the columns of the relations that it reads.
        parts: its expressions.
        orders: of each window with an order, the columns of partition and order.
        found: every base column that is looked at.
    """

    known: Known
    parts: list[Part] = field(default_factory=list)
    orders: list[tuple[int, tuple[Node, ...]]] = field(default_factory=list)
    found: dict[BaseColumn, None] = field(default_factory=dict)
    _scopes: list[Scope] = field(default_factory=list)

    def base(self, at: int, ref: ColumnRef) -> tuple[BaseColumn, ...]:
        """The base columns that a column is made of, through groups and windows too."""
        return tuple(dict.fromkeys(self._base(self._scopes[at], ref, 0)))

    def inlined(self, at: int, tree: Node) -> Node | None:
        """A tree over base columns (the table is the relation); None where groups are between."""
        return self._inlined(self._scopes[at], tree, 0)

    def plain(self, at: int, tree: Node) -> BaseColumn | None:
        """The base column that a tree is, unchanged; None when it is anything else."""
        below = self.inlined(at, tree)
        bare = below.unnest() if below is not None else None
        if not isinstance(bare, exp.Column) or not bare.table:
            return None
        return (bare.table.lower(), bare.name.lower())

    # -- reading ----------------------------------------------------------------------------

    def read(self, scope: Scope) -> None:
        """Takes note of a scope and of those within it."""
        for inner in scope.traverse():
            self._scopes.append(inner)
            at = len(self._scopes) - 1
            if isinstance(inner.expression, exp.Select):
                self.parts += self._parts(inner.expression, at)
                self.orders += [(at, o) for o in _orders(inner.expression)]
        for part in self.parts:
            for ref in columns_in(part.tree):
                self.found |= dict.fromkeys(self.base(part.at, ref))

    def _parts(self, select: exp.Select, at: int) -> Iterator[Part]:
        for item in select.expressions:
            tree = item.this if isinstance(item, exp.Alias) else item
            if not isinstance(tree, exp.Star) and not tree.is_star:
                yield Part("output", tree, at)
        clauses: tuple[tuple[Kind, str], ...] = (
            ("where", "where"), ("having", "having"), ("having", "qualify"),
        )  # fmt: skip
        for kind, name in clauses:
            clause = select.args.get(name)
            if clause is not None:
                yield Part(kind, clause.this, at)
        for join in select.args.get("joins") or []:
            if join.args.get("on") is not None:
                yield Part("on", join.args["on"], at)
        group = select.args.get("group")
        yield from (Part("group", t, at) for t in (group.expressions if group else ()))
        order = select.args.get("order")
        yield from (Part("order", t.this, at) for t in (order.expressions if order else ()))

    # -- following --------------------------------------------------------------------------

    def _base(self, scope: Scope, ref: ColumnRef, depth: int) -> Iterator[BaseColumn]:
        if depth > _DEPTH:
            return
        for owner, source in self._sources(scope, ref, depth):
            if isinstance(source, exp.Table):
                yield (_relation(source), ref.name.lower())
                continue
            if source is None:  # an alias of the same select
                tree = _projection(owner.expression, ref.name)
                for inner in columns_in(tree) if tree is not None else ():
                    if inner.name.lower() != ref.name.lower():
                        yield from self._base(owner, inner, depth + 1)
                continue
            for child, tree in _outputs(source, ref.name):
                inner_refs = columns_in(tree) if tree is not None else (ColumnRef(ref.name),)
                for inner in inner_refs:
                    yield from self._base(child, inner, depth + 1)

    def _inlined(self, scope: Scope, tree: Node, depth: int) -> Node | None:
        if depth > _DEPTH or is_aggregate(tree) or tree.find(exp.Window, exp.Subquery, exp.Select):
            return None
        names: dict[ColumnRef, Node] = {}
        for ref in columns_in(tree):
            below = self._one(scope, ref, depth)
            if below is None:
                return None
            names[ref] = below
        return rename(tree, names)

    def _one(self, scope: Scope, ref: ColumnRef, depth: int) -> Node | None:
        places = list(self._sources(scope, ref, depth))
        if len(places) != 1:
            return None
        owner, source = places[0]
        if isinstance(source, exp.Table):
            return exp.column(ref.name, table=exp.to_identifier(_relation(source), quoted=True))
        if source is None:
            tree = _projection(owner.expression, ref.name)
            names = [c.name.lower() for c in columns_in(tree)] if tree is not None else []
            if tree is None or ref.name.lower() in names:
                return None
            return self._wrapped(owner, tree, depth)
        outputs = list(_outputs(source, ref.name))
        if len(outputs) != 1:
            return None
        child, found = outputs[0]
        grouped = isinstance(child.expression, exp.Select) and child.expression.args.get("group")
        if grouped and (found is None or is_aggregate(found)):
            return None
        if found is None:
            return self._one(child, ColumnRef(ref.name), depth + 1)
        return self._wrapped(child, found, depth)

    def _wrapped(self, scope: Scope, tree: Node, depth: int) -> Node | None:
        below = self._inlined(scope, tree, depth + 1)
        if below is None or isinstance(below, exp.Column):
            return below
        return exp.Paren(this=below)

    def _sources(
        self, scope: Scope, ref: ColumnRef, depth: int
    ) -> Iterator[tuple[Scope, exp.Table | Scope | None]]:
        """Where a column comes from: a relation, another select, or its own select's outputs."""
        at: Scope | None = scope
        while at is not None:
            by_name = {n.lower(): s for n, s in at.sources.items() if n in at.selected_sources}
            if ref.table:
                if ref.table.lower() in by_name:
                    yield at, by_name[ref.table.lower()]
                    return
            else:
                having = [s for s in by_name.values() if self._has(s, ref.name, depth) is True]
                open_ = [s for s in by_name.values() if self._has(s, ref.name, depth) is None]
                if having:
                    yield at, having[0]
                    return
                if at is scope and _projection(at.expression, ref.name) is not None and not open_:
                    yield at, None
                    return
                if open_:
                    yield at, open_[0]
                    return
            at = at.parent

    def _has(self, source: exp.Table | Scope, name: str, depth: int) -> bool | None:
        """Whether a source has a column; None when that is not known."""
        if isinstance(source, exp.Table):
            columns = self.known.get(_relation(source))
            return None if columns is None else name.lower() in columns
        if depth > _DEPTH:
            return None
        select = _first(source)
        if select is None:
            return None
        if any(p.alias_or_name.lower() == name.lower() for p in select.expression.expressions):
            return True
        stars = [p for p in select.expression.expressions if p.is_star]
        if not stars:
            return False
        inner = [s for n, s in select.sources.items() if n in select.selected_sources]
        found = [self._has(s, name, depth + 1) for s in inner]
        return True if True in found else None if None in found else False


def trace(sql: str, known: Known) -> Traced:
    """Takes a query apart.

    Args:
        sql: one DuckDB query.
        known: columns of the relations that it reads, lower case, by name without quotes.

    Raises:
        SqlError: it is not one query, or cannot be followed.
    """
    tree = parse_query(sql, "duckdb")
    try:
        root = build_scope(tree)
    except Exception as error:  # sqlglot raises what it likes on odd queries
        raise SqlError(f"its parts cannot be followed: {error}") from error
    traced = Traced(known)
    if root is not None:
        traced.read(root)
    return traced


def _relation(table: exp.Table) -> str:
    return ".".join(p.name for p in table.parts).lower()


def _first(scope: Scope) -> Scope | None:
    """The first select of a scope; a union takes its columns from there."""
    while not isinstance(scope.expression, exp.Select):
        if not scope.set_operation_scopes:
            return None
        scope = scope.set_operation_scopes[0]
    return scope


def _outputs(scope: Scope, name: str) -> Iterator[tuple[Scope, Node | None]]:
    """The expressions of an output column, one a branch; None where a star stands for it."""
    if isinstance(scope.expression, exp.Select):
        tree = _projection(scope.expression, name)
        if tree is not None:
            yield scope, tree
        elif any(p.is_star for p in scope.expression.expressions):
            yield scope, None
        return
    first = _first(scope)
    if first is None:
        return
    names = [p.alias_or_name.lower() for p in first.expression.expressions]
    for branch in scope.set_operation_scopes:
        if isinstance(branch.expression, exp.Select) and name.lower() in names:
            items = branch.expression.expressions
            at = names.index(name.lower())
            if at < len(items) and not any(p.is_star for p in items):
                item = items[at]
                yield branch, item.this if isinstance(item, exp.Alias) else item
                continue
        yield from _outputs(branch, name)


def _projection(select: Node, name: str) -> Node | None:
    if not isinstance(select, exp.Select):
        return None
    for item in select.expressions:
        if item.alias_or_name.lower() == name.lower() and not item.is_star:
            tree: Node = item.this if isinstance(item, exp.Alias) else item
            return tree
    return None


def _orders(select: exp.Select) -> Iterator[tuple[Node, ...]]:
    """Partition and order of the windows of a select, where they have an order."""
    for window in select.find_all(exp.Window):
        order = window.args.get("order")
        if order is not None and window.parent_select is select:
            yield (*window.args.get("partition_by", ()), *(o.this for o in order.expressions))


_NUMERIC = (exp.Mul, exp.Div, exp.Mod, exp.IntDiv, exp.Sum, exp.Avg, exp.Round, exp.Abs, exp.Neg)
_TEXT = (exp.Lower, exp.Upper, exp.Trim, exp.Length, exp.DPipe, exp.Concat, exp.Substring)
_MOMENT = (exp.TimestampTrunc, exp.DateTrunc, exp.Extract, exp.Year, exp.Month, exp.DateDiff)
_DATE = (exp.CurrentDate, exp.CurrentTimestamp, exp.Interval)


def taken_for(tree: Node) -> Iterator[tuple[ColumnRef, str]]:
    """The columns that an expression computes with directly, and a type that this asks for."""
    groups = ((_NUMERIC, "decimal(18,2)"), (_TEXT, "varchar"), (_MOMENT, "timestamp"))
    for found in tree.find_all(exp.Column):
        parent = found.parent
        while isinstance(parent, exp.Paren | exp.Distinct):
            parent = parent.parent
        ref = ColumnRef(found.name, found.table or None)
        if isinstance(parent, exp.Add | exp.Sub):
            yield ref, "date" if _is_dated(parent) else "decimal(18,2)"
        for kinds, name in groups:
            if isinstance(parent, kinds):
                yield ref, name


def _is_dated(tree: Node) -> bool:
    """Whether a sum or a difference is one of dates."""
    kinds = exp.DataType.TEMPORAL_TYPES
    casts = (c.to.this in kinds for c in tree.find_all(exp.Cast))
    return tree.find(*_DATE) is not None or any(casts)


def frozen(sql: str, moment: str) -> str | None:
    """The query with the clock stopped: ``now()`` and its like replaced; None if it reads none.

    Args:
        sql: one DuckDB query.
        moment: an ISO timestamp.

    Raises:
        SqlError: when it is not one query.
    """
    tree = parse_query(sql, "duckdb")
    stamp = exp.cast(exp.Literal.string(moment), "timestamp")
    swapped = 0

    def stop(node: Node) -> Node:
        nonlocal swapped
        name = node.name.lower() if isinstance(node, exp.Anonymous) else ""
        if isinstance(node, exp.CurrentDate) or name == "today":
            swapped += 1
            return exp.cast(stamp.copy(), "date")
        clock = (exp.CurrentTimestamp, exp.CurrentDatetime, exp.Localtimestamp)
        if isinstance(node, clock) or name in ("now", "get_current_timestamp"):
            swapped += 1
            return exp.cast(stamp.copy(), "timestamptz")
        return node

    text = tree.transform(stop).sql("duckdb", comments=False)
    return text if swapped else None
