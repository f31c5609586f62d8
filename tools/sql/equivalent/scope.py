"""What one select reads: whose column a name is, and what surely holds of its rows.

Everything is conservative: a name that is not surely understood belongs to nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from sqlglot import exp

from tools.sql.analyse import conjuncts
from tools.sql.equivalent.bound import bound_type
from tools.sql.equivalent.nulls import never_null, rejects
from tools.sql.equivalent.relation import Output, Relation
from tools.sql.equivalent.types import type_of
from tools.sql.parse import Node

_HIDDEN = ("SEMI", "ANTI")
_OUTER = ("RIGHT", "FULL")


@dataclass(frozen=True)
class Source:
    """A relation that a select reads.

    Args:
        alias: its name there, lower case.
        relation: its columns.
        join: how it came in; None for the first.
        absent: whether an outer join may leave it out, so that all its columns are NULL.
        on: the condition of its join; of USING, the equalities that it stands for.
    """

    alias: str
    relation: Relation
    join: exp.Join | None = None
    absent: bool = False
    on: Node | None = None

    @property
    def side(self) -> str:
        """The side of its join: ``LEFT``, ``RIGHT``, ``FULL`` or nothing."""
        return str(self.join.side or "").upper() if self.join is not None else ""

    @property
    def plain(self) -> bool:
        """Whether its join is one that the arguments know: no ASOF, NATURAL, LATERAL."""
        if self.join is None:
            return True
        lateral = isinstance(self.join.this, exp.Lateral | exp.Unnest)
        unclear = bool(self.using) and (self.on is None or self.side not in ("", "LEFT"))
        return not (self.join.args.get("method") or lateral or unclear)

    @property
    def using(self) -> list[str]:
        """The columns of USING, lower case."""
        names = self.join.args.get("using") if self.join is not None else None
        return [n.name.lower() for n in names or []]

    @property
    def hidden(self) -> bool:
        """Whether only its join condition sees it: the right side of a semi or an anti join."""
        return self.join is not None and str(self.join.kind or "").upper() in _HIDDEN

    @property
    def inner(self) -> bool:
        """Whether it came in by an inner or a cross join, so that its ON holds of every row."""
        return self.join is not None and not self.side and not self.hidden and self.plain


class Scope:
    """One select with its sources.

    Args:
        select: the select, in its tree.
        relation: says what a table, a CTE or a subquery gives.
    """

    def __init__(self, select: exp.Select, relation: Callable[[Node], Relation]) -> None:
        self.select = select
        self._relation = relation
        self._owners: dict[tuple[str, str], tuple[Source, Output] | None] = {}

    @cached_property
    def sources(self) -> tuple[Source, ...]:
        """In the order of the text, after all outer joins."""
        found: list[Source] = []
        start = self.select.args.get("from_")
        items: list[tuple[Node, exp.Join | None]] = [(start.this, None)] if start else []
        items += [(j.this, j) for j in self.select.args.get("joins") or []]
        items += [(node, None) for node in self.select.args.get("laterals") or []]
        for node, join in items:
            source = Source(node.alias_or_name.lower(), self._relation(node), join)
            source = replace(source, on=_condition(source, found))
            if source.side in _OUTER:
                found = [replace(s, absent=True) for s in found]
            found.append(replace(source, absent=source.side in ("LEFT", "FULL")))
        return tuple(found)

    @cached_property
    def plain(self) -> bool:
        """Whether every join is one that the arguments know."""
        return all(s.plain for s in self.sources) and not self.select.args.get("laterals")

    @cached_property
    def aggregated(self) -> bool:
        """Whether the rows are grouped, be it into one group by an aggregate function alone."""
        args = self.select.args
        places = [*self.select.expressions, args.get("having"), args.get("order")]
        return bool(args.get("group")) or any(
            call.find_ancestor(exp.Select) is self.select and not _windowed(call)
            for place in places
            if place is not None
            for call in place.find_all(exp.AggFunc)
        )

    @cached_property
    def grouping_sets(self) -> bool:
        """Whether rows are grouped in several ways at once, which leaves group columns NULL."""
        group = self.select.args.get("group")
        if group is None:
            return False
        kinds = ("grouping_sets", "cube", "rollup", "totals")
        odd = (exp.Cube, exp.Rollup, exp.GroupingSets, exp.Tuple)
        return any(group.args.get(k) for k in kinds) or any(
            isinstance(e, odd) for e in group.expressions
        )

    @cached_property
    def one_sided(self) -> bool:
        """Whether no RIGHT or FULL join can leave out what came before it."""
        return self.plain and not any(s.side in _OUTER for s in self.sources)

    def resolve(self, column: exp.Column) -> tuple[Source, Output] | None:
        """Whose column a name is; None when that is not sure."""
        if isinstance(column.this, exp.Star) or (not column.table and self._is_alias(column)):
            return None
        name = column.table.lower(), column.name.lower()
        if name not in self._owners:
            self._owners[name] = self._owner(*name)
        return self._owners[name]

    def _owner(self, table: str, name: str) -> tuple[Source, Output] | None:
        if table:
            mine = [s for s in self.sources if s.alias == table]
            output = mine[0].relation.column(name) if len(mine) == 1 else None
            return (mine[0], output) if output else None
        found = [(s, o) for s in self.sources if (o := s.relation.column(name)) is not None]
        # A name that USING joins is that of the first source, unless an outer join fills it in.
        joined = all(name in s.using and s.plain for s, _ in found[1:])
        return found[0] if found and joined else None

    def _is_alias(self, column: exp.Column) -> bool:
        """Whether ORDER BY means a name that the select list gives; elsewhere columns win."""
        order = column.find_ancestor(exp.Order, exp.Select)
        if not isinstance(order, exp.Order) or order.parent is not self.select:
            return False
        return any(i.alias.lower() == column.name.lower() for i in self.select.expressions)

    def term(self, node: Node) -> str | None:
        """An expression as text that is the same for the same value within a row, or None."""
        inner = node.unnest()
        if isinstance(inner, exp.Column):
            owner = self.resolve(inner)
            return f"{owner[0].alias}.{owner[1].name.lower()}" if owner else None
        if inner.find(exp.Query, exp.Window, exp.AggFunc) or not inner.find(exp.Column):
            return None
        if any(self.resolve(c) is None for c in inner.find_all(exp.Column)):
            return None
        return "=" + inner.sql("duckdb", comments=False)

    def filters(self) -> Iterator[Node]:
        """Conditions that hold of every row: WHERE and the ON of inner joins, in conjuncts."""
        yield from self._filters

    @cached_property
    def _filters(self) -> tuple[Node, ...]:
        return tuple(self._every_filter())

    def _every_filter(self) -> Iterator[Node]:
        where = self.select.args.get("where")
        if where is not None:
            yield from conjuncts(where.this)
        if not self.one_sided:
            return
        for source in self.sources:
            if source.inner and source.on is not None:
                yield from conjuncts(source.on)

    def not_null(self, column: exp.Column) -> bool:
        """Whether a column surely is not NULL in the rows that joins and WHERE leave."""
        if self.given(column):
            return True

        def same(other: exp.Column) -> bool:
            return self.resolve(other) == owner

        owner = self.resolve(column)
        return owner is not None and any(rejects(part, same) for part in self.filters())

    def given(self, column: exp.Column) -> bool:
        """Whether a column surely is not NULL in the joined rows, before WHERE."""
        owner = self.resolve(column)
        return (
            owner is not None
            and not owner[1].nullable
            and not owner[0].absent
            and owner[0].plain
            and self.plain
        )

    def surely(self, node: Node) -> bool:
        """Whether an expression surely is not NULL in the rows that joins and WHERE leave."""
        return never_null(node, self.not_null)

    def type_of(self, node: Node) -> str | None:
        """The type of an expression of this select."""

        def lookup(column: exp.Column) -> str | None:
            owner = self.resolve(column)
            return owner[1].type if owner else None

        known = type_of(node, lookup)
        return known if known is not None else bound_type(node, lookup)


def _condition(source: Source, before: list[Source]) -> Node | None:
    """The ON of a join; of USING the equalities with the first source that has the column."""
    if source.join is None or not source.using:
        return source.join.args.get("on") if source.join is not None else None
    parts: list[Node] = []
    for name in source.using:
        owner = next((s for s in before if s.relation.column(name) is not None), None)
        if owner is None or not all(s.relation.complete for s in (*before, source)):
            return None
        sides = [_qualified(name, s.alias) for s in (owner, source)]
        parts.append(exp.EQ(this=sides[0], expression=sides[1]))
    return exp.and_(*parts)


def _qualified(name: str, alias: str) -> exp.Column:
    return exp.column(exp.to_identifier(name), table=exp.to_identifier(alias))


def _windowed(call: Node) -> bool:
    """Whether an aggregate is a window function: ``sum(x) over (..)``, not ``max(sum(x)) over``."""
    outer = call.parent
    while isinstance(outer, exp.Filter | exp.IgnoreNulls | exp.RespectNulls | exp.WithinGroup):
        outer = outer.parent
    return isinstance(outer, exp.Window) and call.arg_key == "this"
