"""Windows whose rows come in an order that is left to chance, and what else they may give.

``row_number() over (order by day)`` numbers the rows of one day in any order. A database that
happens to sort them in the right one hides the fault: DuckDB sorts once for several windows, so
that one with too short an order is put right by its neighbour.
"""

from __future__ import annotations

from sqlglot import exp

from tools.sql.equivalent.facts import Facts
from tools.sql.equivalent.result import identifying
from tools.sql.equivalent.scope import Scope
from tools.sql.equivalent.scopes import Scopes
from tools.sql.equivalent.windows import Shape, shape
from tools.sql.parse import Node, parse_query

_ONE_BY_ONE = (exp.RowNumber, exp.Lag, exp.Lead, exp.Ntile)
_AROUND = (exp.IgnoreNulls, exp.RespectNulls, exp.Filter)


def one_by_one(function: Node | None, spec: Node | None) -> bool:
    """Whether a window function sees rows that tie one after the other.

    A rank, or a frame by value as aggregates have it unless they say otherwise, sees them at once.

    Args:
        function: what is worked out.
        spec: its frame, where one is written.
    """
    while isinstance(function, _AROUND):
        function = function.this
    by_row = spec is not None and str(spec.args.get("kind")).upper() == "ROWS"
    return by_row or isinstance(function, _ONE_BY_ONE)


def other_orders(sql: str, facts: Facts) -> tuple[str, ...]:
    """A query with its ties in two opposite orders; nothing when no window leaves any to chance.

    Args:
        sql: DuckDB.
        facts: keys of the relations that it reads: what they identify cannot tie.

    Raises:
        SqlError: when it is not one query.
    """
    tree = parse_query(sql, "duckdb")
    scopes = Scopes(facts)
    found = [(w, s, p) for w, s in _windows(tree, scopes) if (p := _by_chance(w, s)) is not None]
    if not found:
        return ()
    texts = []
    for desc in (False, True):
        for window, scope, parts in found:
            _put_in_order(window, scope, parts, desc=desc)
        texts.append(tree.sql("duckdb", comments=False))
    return tuple(texts)


def _windows(tree: Node, scopes: Scopes) -> list[tuple[Node, Scope]]:
    found: list[tuple[Node, Scope]] = []
    for window in tree.find_all(exp.Window):
        select = window.find_ancestor(exp.Select)
        if isinstance(select, exp.Select) and window.arg_key != "windows":
            found.append((window, scopes.of(select)))
    return found


def _by_chance(window: Node, scope: Scope) -> Shape | None:
    """The parts of a window in which rows may tie, and where that can be seen."""
    parts = shape(window)
    if parts is None or scope.aggregated or not scope.sources:
        return None
    if not one_by_one(parts.function, _spec(window)):
        return None
    nodes = [*parts.partition, *(o.this for o in parts.order)]
    terms = {t for n in nodes if (t := scope.term(n)) is not None}
    return None if any(test(terms) for test in identifying(scope, qualified=False)) else parts


def _spec(window: Node) -> Node | None:
    spec: Node | None = window.args.get("spec")
    if spec is None and window.text("alias"):
        select = window.find_ancestor(exp.Select)
        named = (select.args.get("windows") or []) if select is not None else []
        spec = next((w.args.get("spec") for w in named if w.name == window.text("alias")), None)
    return spec


def _put_in_order(window: Node, scope: Scope, parts: Shape, *, desc: bool) -> None:
    """Writes a window out, with a digest of each row that it reads as its last sort keys."""
    last = [
        exp.Ordered(this=exp.func("hash", exp.column(s.alias)), desc=desc, nulls_first=False)
        for s in scope.sources
        if not s.hidden
    ]
    spec = _spec(window)
    window.set("alias", None)
    window.set("partition_by", [n.copy() for n in parts.partition])
    window.set("order", exp.Order(expressions=[*(o.copy() for o in parts.order), *last]))
    window.set("spec", spec.copy() if spec is not None else None)
