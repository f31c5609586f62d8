"""Damaged specs end in findings, never in a traceback."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tools.errors import InputError, SpecmillError
from tools.findings import Report
from tools.spec.lint import lint
from tools.spec.load import parse_spec
from tools.spec.positions import read_document
from tools.spec.resolve import resolve

ROOT = Path(__file__).parents[3]
FILES = [
    *sorted((ROOT / "specs").glob("*.yaml")),
    *sorted((Path(__file__).parent / "cases" / "forms").rglob("*.yaml")),
    *sorted((Path(__file__).parent / "cases" / "forms").rglob("*.json")),
]
TEXTS = [file.read_text(encoding="utf-8") for file in FILES]
TREES = [read_document(text, "x.yaml").data for text in TEXTS]
ABSENT = ROOT / "no" / "such" / "folder" / "spec"

_SETTINGS = settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
_ODD_TEXT = st.one_of(
    st.sampled_from(
        ["", " ", "../x", "a'b", 'a"b', "a\nb", "select 1; drop table x", "{from}", "{", "}", "&a",
         "*a", "!!python/name:os", "null", "0x", "1e999", "\ufeff", "\u202e", "é", "中", "a" * 300,
         "(" * 500, "case when", "a.b.c.d", "%", "@x", "|", ">", "- ", ": ", "# x", "\t", "\x00"]
    ),
    st.text(max_size=12),
)  # fmt: skip
_ODD_VALUE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    _ODD_TEXT,
    st.lists(_ODD_TEXT, max_size=3),
    st.dictionaries(_ODD_TEXT, _ODD_TEXT, max_size=3),
)


def _survives(text: str, suffix: str) -> None:
    """Whatever the text is: a spec that can be looked at, or an error with findings."""
    try:
        loaded = parse_spec(text, path=f"spec{suffix}", file=ABSENT.with_suffix(suffix))
        resolved = resolve(loaded, [])
        report = lint(resolved)
    except SpecmillError as error:
        failed = error
    else:
        assert len(resolved.digest) == 64
        assert isinstance(report, Report)
        return
    assert failed.message
    assert failed.remedy
    if isinstance(failed, InputError):
        assert failed.findings
        assert all(f.location is not None for f in failed.findings)


def _places(tree: Any) -> list[tuple[Any, Any]]:
    """Every (container, key or index) of a tree."""
    found: list[tuple[Any, Any]] = []
    stack = [tree]
    while stack:
        part = stack.pop()
        keys = (
            part if isinstance(part, dict) else range(len(part)) if isinstance(part, list) else ()
        )
        for key in keys:
            found.append((part, key))
            stack.append(part[key])
    return found


def _damage(draw: st.DrawFn, tree: Any) -> None:
    """One edit of the structure, in place."""
    places = _places(tree)
    if not places:
        return
    container, key = draw(st.sampled_from(places))
    kind = draw(st.sampled_from(["drop", "replace", "rename", "wrap", "move", "repeat"]))
    if kind == "drop":
        del container[key]
    elif kind == "replace":
        container[key] = draw(_ODD_VALUE)
    elif kind == "wrap":
        value = container[key]
        container[key] = draw(st.sampled_from([[value], {"name": value}, [[value]]]))
    elif kind == "move":
        other, there = draw(st.sampled_from(places))
        container[key] = copy.deepcopy(other.get(there) if isinstance(other, dict) else other)
    elif isinstance(container, dict):
        new = draw(_ODD_TEXT) if kind == "rename" else f"{key}s"
        container[new] = container.pop(key) if kind == "rename" else copy.deepcopy(container[key])
    else:
        container.append(copy.deepcopy(container[key]))


@st.composite
def _damaged_trees(draw: st.DrawFn) -> Any:
    tree = copy.deepcopy(draw(st.sampled_from(TREES)))
    for _ in range(draw(st.integers(1, 3))):
        _damage(draw, tree)
    return tree


@st.composite
def _damaged_texts(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        kind = draw(st.sampled_from(["cut", "insert", "indent", "line", "end", "flatten"]))
        if kind == "cut":
            text = text[:start] + text[start + draw(st.integers(1, 40)) :]
        elif kind == "insert":
            text = text[:start] + draw(_ODD_TEXT) + text[start:]
        elif kind == "indent":
            at = text.rfind("\n", 0, start) + 1
            text = text[:at] + draw(st.sampled_from([" ", "   ", "\t", "\u00a0", "- "])) + text[at:]
        elif kind == "line":
            lines = text.split("\n")
            line = lines.pop(min(text.count("\n", 0, start), len(lines) - 1))
            lines.insert(draw(st.integers(0, len(lines))), line)
            text = "\n".join(lines)
        elif kind == "end":
            text = text[:start]
        else:
            text = "\n".join(line.strip() for line in text.split("\n"))
    return text


@_SETTINGS
@given(_damaged_trees())
def test_damaged_structure(tree: Any):
    _survives(json.dumps(tree), ".json")


@_SETTINGS
@given(_damaged_texts(), st.sampled_from([".yaml", ".json"]))
def test_damaged_text(text: str, suffix: str):
    _survives(text, suffix)


@_SETTINGS
@given(st.text(max_size=80))
def test_any_text(text: str):
    _survives(text, ".yaml")
    _survives(text, ".json")
