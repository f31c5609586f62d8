"""All mutants of one query, in a fixed order, each text once."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from sqlglot import exp

from tools.sql.audit import line_of
from tools.sql.equivalent.facts import Facts
from tools.sql.mutate.change import Change, applied
from tools.sql.mutate.mutant import Mutant
from tools.sql.mutate.query import Query
from tools.sql.mutate.registry import registered
from tools.sql.parse import Node, parse_query


def canonical(sql: str) -> str:
    """A DuckDB query as mutants of it are written: what they are to be compared with.

    Raises:
        SqlError: when it is not one query.
    """
    return text_of(parse_query(sql, "duckdb"))


def text_of(tree: Node) -> str:
    """A tree as DuckDB text, on one line, without comments."""
    return tree.sql("duckdb", comments=False)


def mutants(
    sql: str,
    facts: Facts | None = None,
    *,
    this: str = "",
    operators: Collection[str] | None = None,
) -> tuple[Mutant, ...]:
    """The mutants of a query: operators in alphabetical order, places in the order of the text.

    Nothing is executed: some of them may not bind, and some may be equivalent to the original.

    Args:
        sql: one DuckDB query, without Jinja.
        facts: columns, types and keys of the relations that it reads, as far as they are known.
        this: the relation that an incremental model reads as itself, as the query names it.
        operators: names of the operators to use; all when it is None.

    Raises:
        SqlError: when it is not one query.
        KeyError: an operator that does not exist.
    """
    tree = parse_query(sql, "duckdb")
    query = Query(tree, facts or {}, this)
    known = registered()
    chosen = list(known) if operators is None else sorted(operators)
    original = text_of(tree)
    seen = {original}
    found: list[Mutant] = []
    for name in chosen:
        for mutant in _of_operator(name, query, original):
            if mutant.sql not in seen:
                seen.add(mutant.sql)
                found.append(mutant)
    return tuple(found)


def _of_operator(name: str, query: Query, original: str) -> Iterator[Mutant]:
    for change in list(registered()[name].changes(query)):
        with applied(change):
            sql = text_of(query.tree)
        line, column = place(change)
        yield Mutant(name, change.what, sql, original, line, column, path_of(change.site))


def place(change: Change) -> tuple[int, int]:
    """Line and column of the first name or literal of the site, from 1; zeros when unknown."""
    for node in change.site.walk(bfs=False):
        if node.meta.get("line"):
            return int(node.meta["line"]), max(1, int(node.meta["col"]) - _width(node) + 1)
    return line_of(change.site), 0


def _width(node: Node) -> int:
    start, end = node.meta.get("start"), node.meta.get("end")
    return int(end) - int(start) + 1 if start is not None and end is not None else len(node.name)


def path_of(node: Node) -> str:
    """The way from the root of the tree to a node."""
    steps: list[str] = []
    at: Node | None = node
    while at is not None and at.parent is not None:
        steps.append(f"{at.arg_key}[{at.index}]" if at.index is not None else str(at.arg_key))
        at = at.parent
    return ".".join(reversed(steps)) or type(node).__name__.lower()


__all__ = ["canonical", "exp", "mutants", "path_of", "place", "text_of"]
