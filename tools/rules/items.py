"""The things that a rule is asked about, one by one, and the CEL variables of each.

======== ====================================== ===============================================
``on``   one item for each                      variables, beside ``spec``
======== ====================================== ===============================================
spec     spec                                   none
source   source table                           ``source``, ``table``
model    model                                  ``model``
column   column and aggregation of a model      ``model``, ``column``, ``layer``
test     test of a column, check, generated     ``test``: model, column, name, severity,
         data test                              arguments, origin (spec, generated), path
plan     plan                                   ``plan``: pipeline, version, digest, steps
sql      generated query                        ``sql``: path, name, layer, kind (model, test,
                                                snapshot), text, refs, sources, stars,
                                                cross_joins, bare_columns, tables, clocks,
                                                unordered (lists of text)
dag      spec                                   ``dag``: nodes (name, kind, layer), edges (from,
                                                to, from_layer, to_layer)
diff     spec, when files changed               ``changes``: path, kind, before, after (text, ''
                                                when there is none); ``previous``: the spec
                                                before, or null; ``spec`` as written, without
                                                what was read from data or assumed
======== ====================================== ===============================================

``spec``, ``source``, ``table``, ``model``, ``column`` are the canonical JSON forms with every
default filled in, so that every key exists; ``spec`` is an empty map when rules run without one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from tools.findings import Location
from tools.rules.properties import PropertyTest
from tools.rules.subject import SqlFile, View, declared_outputs, plain
from tools.spec.source import SourceTable
from tools.spec.transform import ColumnTest, Measure, Model, OutputColumn
from tools.sql import template
from tools.sql.audit import Audit
from tools.sql.parse import SqlError

Variables = Mapping[str, Any]

VARIABLES: Mapping[str, frozenset[str]] = {
    "spec": frozenset({"spec"}),
    "source": frozenset({"spec", "source", "table"}),
    "model": frozenset({"spec", "model"}),
    "column": frozenset({"spec", "model", "column", "layer"}),
    "test": frozenset({"spec", "test"}),
    "plan": frozenset({"spec", "plan"}),
    "sql": frozenset({"spec", "sql"}),
    "dag": frozenset({"spec", "dag"}),
    "diff": frozenset({"spec", "changes", "previous"}),
}
"""The CEL variables that a rule may use, by its ``on``."""


@dataclass(frozen=True)
class Item:
    """One thing that a rule is asked about.

    Args:
        on: which kind of thing.
        name: what findings are about: ``dim_order.status``, or a path.
        variables: the CEL variables, plain JSON.
        location: where it stands.
        view: everything else, for checks that need more than the thing itself.
        model, column, table, sql: the thing as an object, where it is one.
        path: of the thing in the spec.
        unreadable: why it cannot be judged, such as SQL that does not parse.
    """

    on: str
    name: str
    variables: Variables
    location: Location | None
    view: View
    model: Model | None = None
    column: OutputColumn | Measure | None = None
    table: SourceTable | None = None
    sql: SqlFile | None = None
    path: tuple[str | int, ...] = ()
    unreadable: SqlError | None = None

    def at(self, *more: str | int) -> Location | None:
        """Where a part of the thing stands in the spec."""
        return self.view.at(*self.path, *more)


def items(view: View, on: str) -> tuple[Item, ...]:
    """The items of one kind; none when the subject lacks what they are made of."""
    return tuple(_MAKERS[on](view))


def _spec(view: View) -> Iterator[Item]:
    if view.spec:
        yield Item("spec", view.spec.pipeline, {"spec": view.spec_json}, view.at(), view)


def _sources(view: View) -> Iterator[Item]:
    for s, source in enumerate(view.spec.sources if view.spec else ()):
        for t, table in enumerate(source.tables):
            data = view.spec_json["sources"][s]
            variables = {"spec": view.spec_json, "source": data, "table": data["tables"][t]}
            name, path = f"{source.name}.{table.name}", ("sources", s, "tables", t)
            yield Item("source", name, variables, view.at(*path), view, table=table, path=path)


def _models(view: View) -> Iterator[Item]:
    for i, model in enumerate(view.spec.models if view.spec else ()):
        variables = {"spec": view.spec_json, "model": view.spec_json["models"][i]}
        path = ("models", i)
        yield Item("model", model.name, variables, view.at(*path), view, model=model, path=path)


def _columns(view: View) -> Iterator[Item]:
    for i, model in enumerate(view.spec.models if view.spec else ()):
        data = view.spec_json["models"][i]
        shared = {"spec": view.spec_json, "model": data, "layer": model.layer}
        for key, c, column in declared_outputs(model):
            yield Item(
                "column",
                f"{model.name}.{column.name}",
                {**shared, "column": {"from": None, **data[key][c]}},
                view.at("models", i, key, c),
                view,
                model=model,
                column=column,
                path=("models", i, key, c),
            )


def _test_variables(**given: Any) -> dict[str, Any]:
    blank = {"model": "", "column": "", "name": "", "severity": "error", "arguments": {}}
    return {**blank, "origin": "spec", "path": "", **given}


def _tests(view: View) -> Iterator[Item]:
    for i, model in enumerate(view.spec.models if view.spec else ()):
        for key, c, column in declared_outputs(model):
            for t, test in enumerate(column.tests):
                where = view.at("models", i, key, c, "tests", t)
                yield _declared_test(view, model.name, column.name, test, where)
    for c, check in enumerate(view.spec.validation.checks if view.spec else ()):
        data = _test_variables(
            model=check.model,
            name=check.name,
            severity=check.severity,
            arguments={"expression": check.expr},
        )
        where = view.at("validation", "checks", c)
        yield Item("test", f"{check.model}.{check.name}", _with_spec(view, data), where, view)
    for properties in view.properties.values():
        for found in properties.all_tests():
            yield _generated_test(view, properties.name, found)


def _with_spec(view: View, test: dict[str, Any]) -> Variables:
    return {"spec": view.spec_json, "test": test}


def _declared_test(
    view: View, model: str, column: str, test: str | ColumnTest, where: Location | None
) -> Item:
    if isinstance(test, str):
        name, arguments = test, {}
    else:
        arguments = test.model_dump(mode="json", exclude_none=True)
        name = next(iter(arguments))
    data = _test_variables(model=model, column=column, name=name, arguments=arguments)
    return Item("test", f"{model}.{column}.{name}", _with_spec(view, data), where, view)


def _generated_test(view: View, model: str, test: PropertyTest) -> Item:
    data = _test_variables(
        model=model,
        column=test.column or "",
        name=test.name,
        severity=test.severity,
        arguments=dict(test.arguments),
        origin="generated",
        path=test.path,
    )
    name = ".".join(part for part in (model, test.column, test.name) if part)
    return Item("test", name, _with_spec(view, data), Location(test.path, test.line), view)


def _plan(view: View) -> Iterator[Item]:
    if view.subject.plan is not None:
        plan = view.subject.plan.to_json()
        variables = {"spec": view.spec_json, "plan": plan}
        yield Item("plan", view.subject.plan.pipeline, variables, view.at(), view)


def _sql(view: View) -> Iterator[Item]:
    for file in view.sql:
        try:
            found, failed = file.audit(), None
        except SqlError as error:
            found, failed = Audit(), error
        data: dict[str, Any] = {
            "path": file.path,
            "name": file.name,
            "layer": file.layer,
            "kind": file.kind,
            "text": file.text,
            "refs": list(template.refs(file.text)),
            "sources": [".".join(pair) for pair in template.sources(file.text)],
        }
        data |= {f.name: [spot.what for spot in getattr(found, f.name)] for f in fields(Audit)}
        variables = {"spec": view.spec_json, "sql": data}
        where = Location(file.path, failed.line if failed else 0)
        yield Item("sql", file.name, variables, where, view, sql=file, unreadable=failed)


def _dag(view: View) -> Iterator[Item]:
    spec = view.spec
    if spec is None:
        return
    layers = {m.name: m.layer for m in spec.models}
    raw = {f"{s.name}.{t.name}": "raw" for s in spec.sources for t in s.tables}
    nodes = [{"name": n, "kind": "source", "layer": "raw"} for n in raw]
    nodes += [{"name": n, "kind": "model", "layer": layer} for n, layer in layers.items()]
    edges = [
        {
            "from": reference,
            "to": model.name,
            "from_layer": str({**raw, **layers}.get(reference, "unknown")),
            "to_layer": model.layer,
        }
        for model in spec.models
        for reference in (model.from_, *(j.to for j in model.joins))
    ]
    variables = {"spec": view.spec_json, "dag": {"nodes": nodes, "edges": edges}}
    yield Item("dag", spec.pipeline, variables, view.at("models"), view)


def _diff(view: View) -> Iterator[Item]:
    if not view.subject.changed:
        return
    changes = [{k: v or "" for k, v in asdict(c).items()} for c in view.subject.changed]
    spec, previous = view.spec_json, None
    if view.revision:
        spec, previous = plain(view.revision.after), plain(view.revision.before)
    variables = {"spec": spec, "changes": changes, "previous": previous}
    name = view.spec.pipeline if view.spec else view.subject.changed[0].path
    yield Item("diff", name, variables, view.at(), view)


_MAKERS: Mapping[str, Callable[[View], Iterator[Item]]] = {
    "spec": _spec,
    "source": _sources,
    "model": _models,
    "column": _columns,
    "test": _tests,
    "plan": _plan,
    "sql": _sql,
    "dag": _dag,
    "diff": _diff,
}
