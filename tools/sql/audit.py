"""Questions that rules ask about a whole query: stars, cross joins, clocks, fixed table names.

The text may hold dbt's Jinja; :mod:`tools.sql.template` takes it out first, and every branch of
an ``{% if %}`` is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from functools import lru_cache

from sqlglot import exp

from tools.sql import template
from tools.sql.analyse import nondeterministic_functions
from tools.sql.parse import Node, SqlError, parse_query

_ORDERED = (exp.RowNumber, exp.FirstValue, exp.LastValue, exp.NthValue, exp.Lag, exp.Lead)
_ALIAS_SCOPES = (exp.Order, exp.Group, exp.Having, exp.Qualify)
_CLOCK_WORDS = ("run_started_at", "invocation_id", "modules.datetime")


@dataclass(frozen=True, order=True)
class Spot:
    """A place in a query: its line from 1, and what is there."""

    line: int
    what: str


@dataclass(frozen=True)
class Audit:
    """What was found in a query, each in order of place.

    Args:
        stars: ``*`` and ``t.*`` in a select list (``count(*)`` is none).
        cross_joins: joins without a condition, other than to a relation of one row.
        bare_columns: columns without a table where several tables are joined.
        tables: relations that are neither ``ref()``, ``source()`` nor a CTE.
        clocks: functions and Jinja values that are another one on another run.
        unordered: ``limit`` and ``row_number`` without an order.
    """

    stars: tuple[Spot, ...] = ()
    cross_joins: tuple[Spot, ...] = ()
    bare_columns: tuple[Spot, ...] = ()
    tables: tuple[Spot, ...] = ()
    clocks: tuple[Spot, ...] = ()
    unordered: tuple[Spot, ...] = ()


@lru_cache(maxsize=512)
def audit(text: str, dialect: str = "duckdb") -> Audit:
    """Reads a query, with or without dbt's Jinja.

    Args:
        text: one query.
        dialect: the dialect that it is written in.

    Raises:
        SqlError: it does not parse, in one of its branches.
    """
    trees: list[Node] = []
    failed: SqlError | None = None
    for variant in template.variants(text):
        try:
            trees.append(parse_query(variant, dialect))
        except SqlError as error:
            failed = error
    if failed is not None and not (trees and template.has_loop(text)):
        raise failed
    found = [_audit(tree) for tree in trees]
    found.append(Audit(clocks=tuple(_jinja_clocks(text))))
    return Audit(
        **{
            f.name: tuple(sorted({s for part in found for s in getattr(part, f.name)}))
            for f in fields(Audit)
        }
    )


def _audit(tree: Node) -> Audit:
    return Audit(
        stars=tuple(_stars(tree)),
        cross_joins=tuple(_cross_joins(tree)),
        bare_columns=tuple(_bare_columns(tree)),
        tables=tuple(_tables(tree)),
        clocks=tuple(_clocks(tree)),
        unordered=tuple(_unordered(tree)),
    )


def line_of(node: Node) -> int:
    """The line that a node starts on, or its nearest neighbour's; 0 when nothing says."""
    at: Node | None = node
    while at is not None:
        lines = [n.meta["line"] for n in at.walk() if "line" in n.meta]
        if lines:
            return int(min(lines))
        at = at.parent
    return 0


def _selects(tree: Node) -> Iterable[exp.Select]:
    return tree.find_all(exp.Select, bfs=False)


def _stars(tree: Node) -> Iterator[Spot]:
    for select in _selects(tree):
        for item in select.expressions:
            starred = isinstance(item, exp.Star | exp.Columns) or (
                isinstance(item, exp.Column) and isinstance(item.this, exp.Star)
            )
            if starred:
                table = f"{item.table}." if isinstance(item, exp.Column) and item.table else ""
                shown = "columns(...)" if isinstance(item, exp.Columns) else f"{table}*"
                yield Spot(line_of(item), shown)


def _ctes(tree: Node) -> dict[str, Node]:
    return {cte.alias.lower(): cte.this for cte in tree.find_all(exp.CTE)}


def _one_row(relation: Node, ctes: dict[str, Node], depth: int = 8) -> bool:
    """Whether a relation surely has at most one row, so that a cross join multiplies nothing."""
    if depth == 0:
        return False
    if isinstance(relation, exp.Table):
        found = ctes.get(relation.name.lower()) if not relation.db else None
        return found is not None and _one_row(found, ctes, depth - 1)
    if isinstance(relation, exp.Subquery):
        return _one_row(relation.this, ctes, depth - 1)
    if not isinstance(relation, exp.Select):
        return False
    limit = relation.args.get("limit")
    if limit is not None and limit.expression is not None and limit.expression.name == "1":
        return True
    spreads = any(item.find(exp.Unnest, exp.Explode) for item in relation.expressions)
    if relation.args.get("group") or spreads:
        return False
    aggregates = any(
        a.find_ancestor(exp.Window, exp.Select) is relation
        for item in relation.expressions
        for a in item.find_all(exp.AggFunc)
    )
    return aggregates or relation.args.get("from_") is None


def _cross_joins(tree: Node) -> Iterator[Spot]:
    ctes = _ctes(tree)
    for join in tree.find_all(exp.Join, bfs=False):
        relation, condition = join.this, join.args.get("on")
        always = isinstance(condition, exp.Boolean) and condition.this is True
        conditioned = (
            join.args.get("using") or join.method or (condition is not None and not always)
        )
        correlated = isinstance(relation, exp.Lateral | exp.Unnest)
        if conditioned or correlated or _one_row(relation, ctes):
            continue
        yield Spot(line_of(relation), _shown_table(relation))


def _shown_table(relation: Node) -> str:
    name = relation.alias_or_name
    if isinstance(relation, exp.Table):
        name = ".".join(p for p in (relation.catalog, relation.db, relation.name) if p)
    for prefix in (template.REF, template.SOURCE):
        name = name.removeprefix(prefix)
    return name or "a subquery"


def _bare_columns(tree: Node) -> Iterator[Spot]:
    for select in _selects(tree):
        if not select.args.get("joins"):
            continue
        aliases = {item.alias.lower() for item in select.expressions if item.alias}
        for column in select.find_all(exp.Column, bfs=False):
            if column.table or isinstance(column.this, exp.Star) or column.name == template.VALUE:
                continue
            if column.find_ancestor(exp.Select) is not select or column.find_ancestor(exp.Lambda):
                continue
            scope = column.find_ancestor(*_ALIAS_SCOPES, exp.Select)
            if isinstance(scope, _ALIAS_SCOPES) and column.name.lower() in aliases:
                continue
            yield Spot(line_of(column), column.name)


def _tables(tree: Node) -> Iterator[Spot]:
    ctes = _ctes(tree)
    for table in tree.find_all(exp.Table, bfs=False):
        if isinstance(table.this, exp.Func):
            name = (
                table.this.name if isinstance(table.this, exp.Anonymous) else table.this.sql_name()
            )
            if name.lower().startswith("read_") or name.lower().endswith("_scan"):
                yield Spot(line_of(table), f"{name.lower()}(...)")
            continue
        plain = not table.db and not table.catalog
        known = table.name.lower() in ctes or table.name.startswith("jinja_")
        if not table.name or (plain and known):
            continue
        yield Spot(line_of(table), _shown_table(table))


def _clocks(tree: Node) -> Iterator[Spot]:
    for function in tree.find_all(exp.Func):
        alone = function.copy()
        for child in list(alone.find_all(exp.Func))[1:]:
            child.replace(exp.null())
        for name in nondeterministic_functions(alone):
            yield Spot(line_of(function), f"{name}()")
    for sample in tree.find_all(exp.TableSample):
        yield Spot(line_of(sample), "tablesample")


def _jinja_clocks(text: str) -> Iterator[Spot]:
    """Clocks in Jinja; as the default of a ``var('batch_at', ...)`` they can be frozen."""
    for tag in template.tags(text):
        if tag.kind == "comment" or "batch_at" in tag.inner:
            continue
        for word in _CLOCK_WORDS:
            if word in tag.inner:
                yield Spot(tag.line, word)


def _unordered(tree: Node) -> Iterator[Spot]:
    for select in tree.find_all(exp.Query):
        limit = select.args.get("limit")
        if limit is not None and not select.args.get("order") and not _one_row_source(select):
            yield Spot(line_of(limit), "limit without order by")
    for window in tree.find_all(exp.Window):
        function = window.this
        if isinstance(function, exp.IgnoreNulls | exp.RespectNulls):
            function = function.this
        if isinstance(function, _ORDERED) and not _is_ordered(window):
            yield Spot(line_of(window), f"{function.sql_name().lower()} without order by")


def _is_ordered(window: exp.Window) -> bool:
    """Whether a window has an order, its own or that of the named window that it uses."""
    select = window.find_ancestor(exp.Select)
    named = {w.name.lower(): w for w in (select.args.get("windows") or [] if select else [])}
    seen: set[str] = set()
    at: Node | None = window
    while at is not None and not at.args.get("order"):
        name = at.text("alias").lower()
        at = named.get(name) if name not in seen else None
        seen.add(name)
    return at is not None


def _one_row_source(select: Node) -> bool:
    """``limit 0`` and ``limit`` over an aggregate choose nothing."""
    limit = select.args["limit"].expression
    if limit is not None and limit.name == "0":
        return True
    bare = select.copy()
    bare.set("limit", None)
    return _one_row(bare, {})
