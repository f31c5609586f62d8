"""The text of a tree that is changed again and again: only what changed is written anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp

from tools.sql.mutate.program import text_of
from tools.sql.parse import Node, parse_query


@dataclass(frozen=True)
class Cut:
    """What of a query has to run when everything before the first changed CTE is there as tables.

    Args:
        head: how many CTEs stand before it.
        tail: the query without those.
        part: the query of the changed CTE, when it is the only one and not the body.
    """

    head: int
    tail: str
    part: str = ""


class Text:
    """A query as the texts of its CTEs and of its body.

    Args:
        tree: the query; it may be changed in place, and put back, between calls.
    """

    def __init__(self, tree: Node) -> None:
        self._tree = tree
        self._with: exp.With | None = tree.args.get("with_")
        self._ctes: list[exp.CTE] = list(self._with.expressions) if self._with else []
        self._parts = [text_of(c) for c in self._ctes]
        self._body = self._write_body()
        whole = self._join(0, self._parts, self._body)
        if self._with is None or self._with.recursive or whole != text_of(tree):
            self._ctes = []  # then it is written as a whole each time

    def changed(self, nodes: Sequence[Node]) -> tuple[str, Cut | None]:
        """The text after a change, and the part of it that the change is in.

        Args:
            nodes: where the tree was changed.
        """
        places = {self._part(n) for n in nodes}
        if not self._ctes or None in places:
            return text_of(self._tree), None
        known = {p for p in places if p is not None}
        parts = [text_of(c) if i in known else self._parts[i] for i, c in enumerate(self._ctes)]
        body = self._write_body() if len(self._ctes) in known else self._body
        first = min(known)
        alone = len(known) == 1 and first < len(self._ctes)
        part = text_of(self._ctes[first].this) if alone else ""
        cut = Cut(first, self._join(first, parts, body), part)
        return self._join(0, parts, body), cut

    def _part(self, node: Node) -> int | None:
        """The index of the CTE that a node is in; their number for the body, None for neither."""
        at: Node | None = node
        while at is not None:
            if at is self._with:
                return None
            if isinstance(at, exp.CTE) and at.parent is self._with:
                return at.index
            if at.parent is None:
                return len(self._ctes) if at is self._tree else None
            at = at.parent
        return None

    def _write_body(self) -> str:
        if self._with is None:
            return text_of(self._tree)
        self._tree.set("with_", None)
        try:
            return text_of(self._tree)
        finally:
            self._tree.set("with_", self._with)

    def _join(self, first: int, parts: Sequence[str], body: str) -> str:
        kept = parts[first:]
        return f"WITH {', '.join(kept)} {body}" if kept else body


def cte_queries(sql: str) -> list[tuple[str, str]] | None:
    """The CTEs of a query as (name, query), in order; None when they cannot stand alone.

    That is so for recursive ones, for those that rename their columns, and when one has the name
    of a table that the query reads without a schema.

    Raises:
        SqlError: when it is not one query.
    """
    tree = parse_query(sql, "duckdb")
    with_ = tree.args.get("with_")
    if with_ is None or with_.recursive:
        return None
    found: list[tuple[str, str]] = []
    names = [c.alias.lower() for c in with_.expressions]
    for at, cte in enumerate(with_.expressions):
        if cte.args["alias"].columns or names.count(names[at]) > 1:
            return None
        for table in cte.find_all(exp.Table):
            if not table.args.get("db") and table.name.lower() in names[at:]:
                return None
        found.append((cte.alias, text_of(cte.this)))
    return found


def body_of(sql: str) -> str:
    """A query without its CTEs.

    Raises:
        SqlError: when it is not one query.
    """
    tree = parse_query(sql, "duckdb")
    tree.set("with_", None)
    return text_of(tree)
