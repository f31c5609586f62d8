"""The scopes of one tree: what each select reads and each query gives, worked out once."""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from tools.sql.equivalent.facts import Facts, declared
from tools.sql.equivalent.relation import UNKNOWN, Output, Relation
from tools.sql.equivalent.result import select_result, union_result
from tools.sql.equivalent.scope import Scope
from tools.sql.equivalent.types import normal
from tools.sql.parse import Node


class Scopes:
    """Answers about one tree, which must not change meanwhile.

    Args:
        facts: what is declared of the relations.
    """

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self._scopes: dict[int, Scope] = {}
        self._results: dict[int, Relation] = {}

    def of(self, select: exp.Select) -> Scope:
        """The scope of a select."""
        if id(select) not in self._scopes:
            self._scopes[id(select)] = Scope(select, self.relation)
        return self._scopes[id(select)]

    def around(self, node: Node) -> Scope | None:
        """The scope of the select that a node belongs to; its own when it is a select."""
        select = node if isinstance(node, exp.Select) else node.find_ancestor(exp.Select)
        return self.of(select) if isinstance(select, exp.Select) else None

    def result(self, query: Node) -> Relation:
        """What a query gives."""
        if id(query) not in self._results:
            self._results[id(query)] = self._result(query)
        return self._results[id(query)]

    def _result(self, query: Node) -> Relation:
        if isinstance(query, exp.Select):
            return select_result(self.of(query))
        if isinstance(query, exp.SetOperation):
            return union_result(query, self.result(query.this), self.result(query.expression))
        if isinstance(query, exp.Subquery):
            return self.relation(query)
        return UNKNOWN

    def relation(self, node: Node) -> Relation:
        """What a table, a CTE's name or a subquery gives, as FROM and JOIN hold it."""
        if any(node.args.get(k) for k in ("pivots", "joins", "sample", "laterals", "when")):
            return UNKNOWN
        relation = self._read(node)
        # What is read here is one reading: its rows are not those of another one beside it.
        columns = tuple(replace(c, row=(id(node), *c.row)) for c in relation.columns)
        return replace(relation, columns=columns)

    def _read(self, node: Node) -> Relation:
        if isinstance(node, exp.Subquery):
            extra = any(node.args.get(k) for k in ("limit", "order", "offset", "with_"))
            return UNKNOWN if extra else _renamed(node, self.result(node.this))
        if not isinstance(node, exp.Table) or not isinstance(node.this, exp.Identifier):
            return UNKNOWN
        cte, recursive = cte_of(node)
        if recursive:
            return UNKNOWN
        if cte is not None:
            return _renamed(node, _renamed(cte, self.result(cte.this)))
        return _renamed(node, _declared(node, self.facts))


def _declared(table: exp.Table, facts: Facts) -> Relation:
    found = declared(facts, table)
    if found is None:
        return UNKNOWN
    name, fact = found
    columns = tuple(
        Output(
            c.name,
            normal(c.type),
            c.nullable,
            (name, (c.copies or c.name).lower()),
            whole=True,
            constant=c.constant,
        )
        for c in fact.columns
    )
    keys = frozenset(frozenset(k.lower() for k in key) for key in fact.keys)
    return Relation(columns, bool(columns), keys)


def _renamed(node: Node, relation: Relation) -> Relation:
    """The relation under the column names that an alias gives: ``as t (a, b)``."""
    alias = node.args.get("alias")
    names = [c.name for c in alias.columns] if isinstance(alias, exp.TableAlias) else []
    if not names:
        return relation
    if not relation.complete or len(names) > len(relation.columns):
        return UNKNOWN
    news = [*names, *(c.name for c in relation.columns[len(names) :])]
    new = {c.name.lower(): n.lower() for c, n in zip(relation.columns, news, strict=True)}
    columns = tuple(replace(c, name=n) for c, n in zip(relation.columns, news, strict=True))
    return Relation(
        columns, True, frozenset(frozenset(new[k] for k in key) for key in relation.keys)
    )


def cte_of(table: exp.Table) -> tuple[exp.CTE | None, bool]:
    """The CTE that a table name means, and whether it may be a recursive one."""
    if table.args.get("db"):
        return None, False
    name = table.name.lower()
    below: Node = table
    at = table.parent
    while at is not None:
        with_, visible = None, []
        if isinstance(at, exp.With):
            with_ = at
            visible = at.expressions if at.recursive else at.expressions[: below.index]
        elif isinstance(at, exp.Query) and below.arg_key != "with_":
            with_ = at.args.get("with_")
            visible = with_.expressions if with_ is not None else []
        found = next((c for c in reversed(visible) if c.alias.lower() == name), None)
        if found is not None and with_ is not None:
            return (None, True) if with_.recursive else (found, False)
        below, at = at, at.parent
    return None, False
