"""Every expression and every name of a column in a model, with what it can see.

The checks on expressions and names are loops over this inventory, so a new place for an
expression is checked as soon as it is listed here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

from tools.spec.checks.view import ModelView, Scope, SpecView, split
from tools.spec.edges import Path
from tools.spec.scope import Relation
from tools.spec.transform import Join, Measure, OutputColumn
from tools.sql.analyse import ColumnRef, columns_in
from tools.sql.grain import columns_inside_aggregates, columns_outside_aggregates
from tools.sql.infer import parse_order
from tools.sql.parse import Node, SqlError, column

Place = Literal["column", "predicate", "aggregate", "having", "order", "test"]


@dataclass(frozen=True)
class Reference:
    """A column that a spec names, and what is in scope there."""

    path: Path
    ref: ColumnRef
    scope: Scope
    home: str
    about: str
    subject: str
    before: Scope | None = None


@dataclass(frozen=True)
class Expression:
    """An expression of a spec.

    Attributes:
        of: the spec.
        path: where it stands in the spec.
        text: as written.
        scope: the relations that it sees.
        home: the alias that bare names and ``{column}`` belong to first.
        place: what kind of expression is expected.
        about: what it belongs to, for messages: ``column status``.
        subject: ``model.column`` or the like.
        grouped: where rows are being grouped, what is there outside of aggregate calls.
        origin: what ``{from}`` stands for.
        before: for a place that sees groups, what the rows were before they were grouped.
    """

    of: SpecView
    path: Path
    text: str
    scope: Scope
    home: str
    place: Place
    about: str
    subject: str
    grouped: Scope | None = None
    origin: ColumnRef | None = None
    before: Scope | None = None

    @cached_property
    def tree(self) -> Node | None:
        """The syntax tree, columns as written; None if it does not parse."""
        return None if isinstance(self._parsed, SqlError) else self._parsed

    @property
    def error(self) -> SqlError | None:
        """Why it does not parse."""
        return self._parsed if isinstance(self._parsed, SqlError) else None

    @cached_property
    def _parsed(self) -> Node | SqlError:
        origin = column(self.origin.name, self.origin.table) if self.origin else None
        try:
            if self.place == "order":
                return parse_order(self.text, self.of.spec.dialect)
            return self.of.parse(self.text, self.scope, self.home, origin)
        except SqlError as error:
            return error

    def references(self) -> Iterator[Reference]:
        """The columns that it names, each with what is in scope for it."""
        if self.tree is None:
            return
        if self.place == "having" and self.grouped is not None:
            for ref in columns_outside_aggregates(self.tree):
                yield self._reference(ref, self.grouped)
            for ref in columns_inside_aggregates(self.tree):
                yield self._reference(ref, self.scope)
            return
        for ref in columns_in(self.tree):
            yield self._reference(ref, self.scope)

    def _reference(self, ref: ColumnRef, scope: Scope) -> Reference:
        before = self.before if scope is not self.before else None
        return Reference(self.path, ref, scope, self.home, self.about, self.subject, before)


def expressions(view: ModelView) -> Iterator[Expression]:
    """The expressions of a model, in the order in which a spec is usually written."""
    model = view.model
    for i, output in enumerate(model.columns):
        if output.expr is not None:
            made = _made(view, ("columns", i, "expr"), output.expr, view.final, output.name)
            origin = split(output.from_ or output.name)
            about = f"column {output.name}"
            yield replace(made, about=about, origin=origin, before=_before(view))
    for j, join in enumerate(model.joins):
        yield from _of_join(view, j, join)
    if model.where is not None:
        yield replace(_made(view, ("where",), model.where, view.rows), place="predicate")
    if model.dedupe is not None:
        for k, item in enumerate(model.dedupe.order_by):
            made = _made(view, ("dedupe", "order_by", k), item, view.rows)
            yield replace(made, place="order", about="order_by of dedupe")
    for i, measure in enumerate(model.aggregations):
        path = ("aggregations", i, "expr")
        made = _made(view, path, measure.expr, view.rows, measure.name)
        about = f"aggregation {measure.name}"
        yield replace(made, place="aggregate", about=about, grouped=view.keys)
    if model.having is not None:
        made = _made(view, ("having",), model.having, view.rows)
        groups = view.groups if model.is_aggregate else None
        yield replace(made, place="having", grouped=groups, before=_before(view))
    yield from _of_tests(view)


def _made(
    view: ModelView, path: Path, text: str, scope: Scope, subject: str = "", *, home: str = ""
) -> Expression:
    about = str(path[0])
    where = (*view.path, *path)
    named = f"{view.model.name}.{subject}" if subject else view.model.name
    return Expression(view.of, where, text, scope, home or view.model.alias, "column", about, named)


def _of_join(view: ModelView, j: int, join: Join) -> Iterator[Expression]:
    path = ("joins", j)
    raw = {join.alias: view.raw(join)}
    if join.on is not None:
        seen = view.joined(j, after=join.after_group_by)
        made = _made(view, (*path, "on"), join.on, seen)
        before = _before(view) if join.after_group_by else None
        about = f"on of join {join.alias}"
        yield replace(made, place="predicate", about=about, before=before)
    if join.filter is not None:
        late = join.filter_at == "after_join"
        seen = view.joined(j, after=join.after_group_by) if late else raw
        made = _made(view, (*path, "filter"), join.filter, seen, home=join.alias)
        yield replace(made, place="predicate", about=f"filter of join {join.alias}")
    for k, item in enumerate(join.pick.order_by if join.pick else []):
        made = _made(view, (*path, "pick", "order_by", k), item, raw, home=join.alias)
        yield replace(made, place="order", about=f"order_by of join {join.alias}")
    if join.aggregate is not None:
        keys = {join.alias: _only(raw[join.alias], join.aggregate.by)}
        for k, measure in enumerate(join.aggregate.columns):
            where = (*path, "aggregate", "columns", k, "expr")
            made = _made(view, where, measure.expr, raw, measure.name, home=join.alias)
            about = f"aggregation {measure.name} of join {join.alias}"
            yield replace(made, place="aggregate", about=about, grouped=keys)


def _before(view: ModelView) -> Scope | None:
    return view.rows if view.model.is_aggregate else None


def _only(relation: Relation, names: list[str]) -> Relation:
    wanted = {n.lower() for n in names}
    columns = tuple(c for c in relation.columns if c.name.lower() in wanted)
    return replace(relation, columns=columns)


def _of_tests(view: ModelView) -> Iterator[Expression]:
    name = view.model.name
    table = Relation(name, name, view.table_columns, not view.is_open)
    kinds: tuple[tuple[str, Sequence[OutputColumn | Measure]], ...] = (
        ("columns", view.model.columns),
        ("aggregations", view.model.aggregations),
    )
    for kind, items in kinds:
        for i, item in enumerate(items):
            for t, test in enumerate(item.tests):
                if not isinstance(test, str) and test.expression is not None:
                    path = (kind, i, "tests", t, "expression")
                    made = _made(view, path, test.expression, {name: table}, item.name, home=name)
                    about, origin = f"test of column {item.name}", ColumnRef(item.name)
                    yield replace(made, place="test", about=about, origin=origin)


def names(view: ModelView) -> Iterator[Reference]:
    """The columns that a model names outside of expressions."""
    model, home = view.model, view.model.alias

    def named(name: str, scope: Scope, about: str, *path: str | int, at: str = home) -> Reference:
        before = _before(view) if scope is view.final else None
        subject = f"{model.name}.{name}"
        return Reference((*view.path, *path), split(name), scope, at, about, subject, before)

    for i, output in enumerate(model.columns):
        about = f"column {output.name}"
        if output.from_ is not None:
            yield named(output.from_, view.final, about, "columns", i, "from")
        elif output.expr is None:
            yield named(output.name, view.final, about, "columns", i, "name")
    for j, join in enumerate(model.joins):
        raw = {join.alias: view.raw(join)}
        for part, keyed in (("pick", join.pick), ("aggregate", join.aggregate)):
            for k, name in enumerate(keyed.by if keyed else []):
                about, path = f"{part} of join {join.alias}", ("joins", j, part, "by", k)
                yield named(name, raw, about, *path, at=join.alias)
    for k, name in enumerate(model.dedupe.by if model.dedupe else []):
        yield named(name, view.rows, "dedupe", "dedupe", "by", k)
    for k, key in enumerate(model.group_by):
        yield named(key, view.rows, "group_by", "group_by", k)


__all__ = ["Expression", "Place", "Reference", "expressions", "names"]
