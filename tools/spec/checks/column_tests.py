"""Tests of columns: ones that exist, with values and models that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.findings import Finding, Severity
from tools.spec.checks.parts import expressions
from tools.spec.checks.view import ModelView, has
from tools.spec.edges import Path
from tools.spec.suggest import did_you_mean, nearest
from tools.spec.transform import ColumnTest, Measure, OutputColumn
from tools.sql.analyse import result_literals

SIMPLE_TESTS = ("not_null", "unique")
_WITH_ARGUMENTS = ("accepted_values", "relationships", "expression")
_PLACEHOLDER = re.compile(r"^(\w+)\s*(\(\s*(\.\.\.|…)?\s*\))?$")


def _tests(view: ModelView) -> Iterator[tuple[Path, OutputColumn | Measure, str | ColumnTest]]:
    for i, output in enumerate(view.model.columns):
        for t, test in enumerate(output.tests):
            yield ("columns", i, "tests", t), output, test
    for i, measure in enumerate(view.model.aggregations):
        for t, test in enumerate(measure.tests):
            yield ("aggregations", i, "tests", t), measure, test


def known_tests(view: ModelView) -> Iterator[Finding]:
    """SPEC066: a name that is no test; SPEC065: accepted_values that wait for their values."""
    for path, column, test in _tests(view):
        if isinstance(test, ColumnTest):
            if test.accepted_values == []:
                yield _no_values(view, path, column.name, "accepted_values: []")
            continue
        if test in SIMPLE_TESTS:
            continue
        match = _PLACEHOLDER.match(test.strip())
        if match is not None and match[1] == "accepted_values":
            yield _no_values(view, path, column.name, test)
            continue
        word = re.split(r"\W", test.strip(), maxsplit=1)[0]
        near = nearest(word, (*SIMPLE_TESTS, *_WITH_ARGUMENTS))
        written = near in _WITH_ARGUMENTS and "(" in test
        yield view.find(
            "SPEC066",
            Severity.ERROR,
            f"column {column.name}: {test} is no test",
            *path,
            hint=f"write it as {near}: with its values below"
            if written
            else did_you_mean(word, (*SIMPLE_TESTS, *_WITH_ARGUMENTS)),
            subject=column.name,
        )


def _no_values(view: ModelView, path: Path, column: str, text: str) -> Finding:
    values = _values_of(view, column)
    assumed = ", ".join(values) if values else ""
    return view.find(
        "SPEC065",
        Severity.QUESTION,
        f"column {column}: {text} does not say which values are accepted; assumed: "
        + (f"those that its expression gives ({assumed})" if assumed else "any"),
        *path,
        hint=f"write accepted_values: [{assumed or '...'}]",
        subject=column,
    )


def _values_of(view: ModelView, column: str) -> tuple[str, ...] | None:
    subject = f"{view.model.name}.{column}"
    for e in expressions(view):
        if e.place == "column" and e.subject == subject and e.tree is not None:
            return result_literals(e.tree)
    return None


def values_are_accepted(view: ModelView) -> Iterator[Finding]:
    """SPEC068: the expression can give a value that the test refuses."""
    for path, column, test in _tests(view):
        if isinstance(test, str) or not test.accepted_values:
            continue
        accepted = {str(v) for v in test.accepted_values}
        refused = [v for v in _values_of(view, column.name) or () if v not in accepted]
        if refused:
            yield view.find(
                "SPEC068",
                Severity.ERROR,
                f"column {column.name}: its expression gives {', '.join(map(repr, refused))}, "
                "which accepted_values refuses",
                *path,
                hint="accept it, or change the expression",
                subject=column.name,
            )


def relationships(view: ModelView) -> Iterator[Finding]:
    """SPEC067: what a column refers to exists."""
    for path, column, test in _tests(view):
        if isinstance(test, str) or test.relationships is None:
            continue
        target = test.relationships
        table = view.of.table(target.to)
        if table is None:
            yield view.find(
                "SPEC067",
                Severity.ERROR,
                f"column {column.name}: relationships to {target.to}, which no spec declares",
                *path, "relationships", "to",
                hint=did_you_mean(target.to, view.of.references),
                subject=column.name,
            )  # fmt: skip
        elif table.known and not has(table.columns, target.field):
            yield view.find(
                "SPEC067",
                Severity.ERROR,
                f"column {column.name}: {target.to} has no column {target.field}",
                *path, "relationships", "field",
                hint=did_you_mean(target.field, [c.name for c in table.columns]),
                subject=column.name,
            )  # fmt: skip


MODEL_RULES = (known_tests, values_are_accepted, relationships)
