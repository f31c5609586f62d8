"""Changes between two versions of a spec: what, how heavy, which version they ask for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tools.spec import diff as module
from tools.spec.changes import Change, Impact
from tools.spec.diff import bumped, diff, suggested_bump, version_suffices
from tools.spec.diff_models import _LOAD, _MODEL
from tools.spec.model import Spec
from tools.spec.positions import read_document
from tools.spec.source import Source, SourceTable
from tools.spec.transform import Load, Model

CASES = read_document(
    (Path(__file__).parent / "cases" / "diff.yaml").read_text("utf-8"), "diff.yaml"
).data  # as specs are read: to other readers of YAML the key "on" is true


def changed(base: Any, edits: dict[str, Any]) -> Any:
    """A copy of plain data with the parts at dotted paths set, added to a list (``+``) or gone."""
    data = json.loads(json.dumps(base))
    for path, value in edits.items():
        *way, last = path.split(".")
        part = data
        for step in way:
            part = part[int(step)] if isinstance(part, list) else part.setdefault(step, {})
        if isinstance(part, list):
            if last == "+":
                part.append(value)
            elif value == "gone":
                del part[int(last)]
            else:
                part[int(last)] = value
        elif value == "gone":
            del part[last]
        else:
            part[last] = value
    return data


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda c: c["name"])
def test_case(case: dict[str, Any]) -> None:
    old = Spec.model_validate(CASES["base"])
    new = Spec.model_validate(changed(CASES["base"], case["edits"]))
    changes = diff(old, new)
    assert [f"{c.impact} {c.kind} {c.subject}" for c in changes] == case["changes"]
    assert suggested_bump(changes) == case["bump"]
    assert all(c.message for c in changes)
    weights = [list(Impact).index(c.impact) for c in changes]
    assert weights == sorted(weights), "heaviest first"


def test_the_same_spec_has_no_changes() -> None:
    spec = Spec.model_validate(CASES["base"])
    assert diff(spec, spec) == ()
    assert suggested_bump(()) == "none"


@pytest.mark.parametrize(
    ("part", "covered"),
    [
        (
            Spec,
            {*module._SPEC, "version", "sources", "models", "validation", "semantic", "consumers"},
        ),
        (Source, {*module._SOURCE, "name", "tables"}),
        (SourceTable, {*module._TABLE, "name", "columns"}),
        (Model, {*_MODEL, "name", "columns", "aggregations", "joins", "load", "examples"}),
        (
            Load,
            {*_LOAD, "valid_from", "valid_to", "is_current", "surrogate_key"},  # they are columns
        ),
    ],
)
def test_no_field_is_forgotten(part: Any, covered: set[str]) -> None:
    assert set(part.model_fields) == covered


@pytest.mark.parametrize(
    ("version", "bump", "expected"),
    [
        ("1.2.3", "major", "2.0.0"),
        ("1.2.3", "minor", "1.3.0"),
        ("1.2.3", "patch", "1.2.4"),
        ("1.2.3", "none", "1.2.3"),
        ("0.2.3", "major", "0.3.0"),
        ("1.2.3-rc.1+x", "patch", "1.2.4"),
    ],
)
def test_bumped(version: str, bump: Any, expected: str) -> None:
    assert bumped(version, bump) == expected


@pytest.mark.parametrize(
    ("old", "new", "bump", "enough"),
    [
        ("1.2.3", "1.2.3", "none", True),
        ("1.2.3", "1.2.4", "patch", True),
        ("1.2.3", "1.2.4", "minor", False),
        ("1.2.3", "1.3.0", "minor", True),
        ("1.2.3", "1.10.0", "minor", True),
        ("1.2.3", "1.9.0", "major", False),
        ("1.2.3", "2.0.0", "major", True),
        ("0.2.3", "0.3.0", "major", True),
    ],
)
def test_version_suffices(old: str, new: str, bump: Any, enough: bool) -> None:
    assert version_suffices(old, new, bump) is enough


def test_a_change_is_plain_json() -> None:
    change = Change("column.type", Impact.BREAKING, "m.a", "x", "y", "m.a: type was x, is y")
    assert json.loads(json.dumps(change.to_json())) == {
        "kind": "column.type",
        "impact": "breaking",
        "subject": "m.a",
        "before": "x",
        "after": "y",
        "message": "m.a: type was x, is y",
    }
