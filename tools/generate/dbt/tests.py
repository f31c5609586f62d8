"""Generic data tests of generated properties: what the spec says must hold, as dbt tests."""

from __future__ import annotations

from typing import Any

from tools import layout
from tools.spec.model import Spec
from tools.spec.scope import Col, surrogate_key
from tools.spec.transform import ColumnTest, Measure, Model, OutputColumn
from tools.sql.parse import parse_expression
from tools.sql.render import identifier, render

Test = str | dict[str, Any]

_PLAIN = ("not_null", "unique")


def named(name: str, **arguments: Any) -> Test:
    """A test with arguments, in the form that dbt reads."""
    return {name: {"arguments": arguments}}


def column_tests(spec: Spec, model: Model, col: Col) -> list[Test]:
    """The tests of one output column: declared ones, NOT NULL, and the grain's."""
    tests: list[Test] = []
    required = not col.nullable or _in_grain(model, col.name)
    if required:
        tests.append("not_null")
    if _is_grain(model, col.name):
        tests.append("unique")
    for test in _declared(model, col.name):
        made = _test(spec, test)
        if made is not None and made not in tests:
            tests.append(made)
    return tests


def _is_grain(model: Model, name: str) -> bool:
    """Whether the column alone identifies a row; in a history no column of the spec does."""
    grain = [g.lower() for g in model.grain]
    return model.load.strategy != "scd2" and grain == [name.lower()]


def _in_grain(model: Model, name: str) -> bool:
    return name.lower() in {g.lower() for g in (*model.grain, *_key_of_history(model))}


def _key_of_history(model: Model) -> list[str]:
    return model.load.key if model.load.strategy == "scd2" else []


def _declared(model: Model, name: str) -> list[str | ColumnTest]:
    columns: list[OutputColumn | Measure] = [*model.columns, *model.aggregations]
    found = next((c for c in columns if c.name.lower() == name.lower()), None)
    tests = list(found.tests) if found else []
    if model.load.strategy == "scd2":  # a key has several versions
        return [t for t in tests if t != "unique"]
    return tests


def _test(spec: Spec, test: str | ColumnTest) -> Test | None:
    if isinstance(test, str):
        return test if test in _PLAIN else None  # placeholders are open questions, not tests
    if test.accepted_values is not None:
        kinds = {type(v) for v in test.accepted_values}
        return named(
            "accepted_values",
            values=test.accepted_values,
            **({} if kinds == {str} else {"quote": False}),
        )
    if test.relationships is not None:
        to = test.relationships.to
        found = spec.source_table(to)
        target = (
            f"ref('{to}')" if found is None else f"source('{found[0].name}', '{found[1].name}')"
        )
        return named("relationships", to=target, field=test.relationships.field)
    return named("holds", expression=_predicate(spec, test.expression or ""))


def _predicate(spec: Spec, text: str) -> str:
    return render(parse_expression(text, spec.dialect), "duckdb", read=spec.dialect, width=10_000)


def model_tests(spec: Spec, model: Model) -> list[Test]:
    """The tests of a whole model: a composite grain, the spec's checks, a history's intervals."""
    tests: list[Test] = []
    if len(model.grain) > 1 and model.load.strategy != "scd2":
        tests.append(named("unique_together", columns=[identifier(g) for g in model.grain]))
    for check in spec.validation.checks:
        if check.model == model.name:
            body: dict[str, Any] = {"name": check.name}
            if check.description:
                body["description"] = check.description
            body["arguments"] = {"expression": _predicate(spec, check.expr)}
            if check.severity == "warn":
                body["config"] = {"severity": "warn"}
            tests.append({"holds": body})
    if model.load.strategy == "scd2":
        tests += interval_tests(model)
    return tests


def interval_tests(model: Model) -> list[Test]:
    """A history: one current row a key at most, no overlap, no inversion, no orphan."""
    load = model.load
    key = [identifier(k) for k in load.key]
    span = {"valid_from": load.valid_from, "valid_to": load.valid_to}
    return [
        named("at_most_one_current", key=key, is_current=load.is_current),
        named("no_overlap", key=key, **span),
        named("no_inversion", **span),
        named(
            "no_orphan",
            change_log=f"ref('{layout.change_log_name(model)}')",
            key=key,
            valid_from=load.valid_from,
        ),
    ]


def surrogate_tests(model: Model, name: str) -> list[Test]:
    """The tests of the columns that a history adds."""
    if name == surrogate_key(model):
        return ["not_null", "unique"]
    return ["not_null"] if name in (model.load.valid_from, model.load.is_current) else []
