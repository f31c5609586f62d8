"""Lint: every code with specs that get it and specs that do not, each a case of data.

A case is a text that follows ``_base.yaml``. A comment ``# SPEC010`` on a line says that an error
of that code is found there, ``?`` after it a question, ``~`` a warning, ``.`` a note; nothing
else may be found, but codes listed under ``also``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.findings import Finding, Severity
from tools.spec.checks.codes import CODES
from tools.spec.graph import lint_platform
from tools.spec.lint import lint
from tools.spec.load import LoadedSpec, parse_spec

CASES = Path(__file__).parent / "cases" / "lint"
SEVERITY = {"": "error", "?": "question", "~": "warning", ".": "note"}
MARK = re.compile(r"# ((?:SPEC[-\w]+[?~.]?,? ?)+)$")


def cases() -> list[Any]:
    return [
        pytest.param(file.stem, case, id=f"{file.stem}-{case['name']}")
        for file in sorted(CASES.glob("SPEC*.yaml"))
        for case in yaml.safe_load(file.read_text("utf-8"))
    ]


def text_of(case: dict[str, Any]) -> str:
    base = (CASES / "_base.yaml").read_text("utf-8")
    if "pipeline:" in case["text"].split("\n", 1)[0]:
        return str(case["text"])
    if "sources" in case.get("replaces", ()):
        base = base[: base.index("sources:")]
    return base + str(case["text"])


def parsed(text: str, name: str) -> LoadedSpec:
    return parse_spec(text, path=name, file=Path("/specs") / name)


def marks(text: str) -> list[tuple[int, str, str]]:
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        if match := MARK.search(line):
            listed = re.findall(r"(SPEC[-\w]+)([?~.]?)", match[1])
            found += [(number, code, SEVERITY[mark]) for code, mark in listed]
    return sorted(found)


def shown(findings: list[Finding], also: list[str]) -> list[tuple[int, str, str]]:
    return sorted(
        (f.location.line if f.location else 0, f.code, str(f.severity))
        for f in findings
        if f.code not in also
    )


@pytest.mark.parametrize(("code", "case"), cases())
def test_case(code: str, case: dict[str, Any]) -> None:
    also = case.get("also", [])
    if "specs" in case:
        loaded = [parsed(text, f"{i}.yaml") for i, text in enumerate(case["specs"])]
        report = lint_platform(loaded)
        for i, text in enumerate(case["specs"]):
            here = [f for f in report if f.location and f.location.path == f"{i}.yaml"]
            assert shown(here, also) == marks(text), "\n".join(map(str, here))
    else:
        text = text_of(case)
        others = [parsed(t, "other.yaml").spec for t in case.get("others", [])]
        made = {m.name: spec for spec in others for m in spec.models}
        report = lint(parsed(text, "case.yaml"), made)
        assert shown(list(report), also) == marks(text), "\n".join(map(str, report))
    own = [f for f in report if f.code == code]
    assert case.get("message", "") in "\n".join(f.message for f in own)
    assert case.get("hint", "") in "\n".join(f.hint for f in own)
    for finding in report:
        assert finding.location is not None
        assert finding.location.line > 0
        assert finding.message
        assert finding.hint, f"{finding.code} says no way out: {finding.message}"
        assert finding.subject


def test_every_code_has_a_case_that_gets_it_and_one_that_does_not() -> None:
    lacking = {}
    for code in CODES:
        file = CASES / f"{code}.yaml"
        listed = yaml.safe_load(file.read_text("utf-8")) if file.exists() else []
        hits = [code in str(c.get("text", c.get("specs"))) for c in listed]
        if True not in hits or False not in hits:
            lacking[code] = hits
    assert lacking == {}


def test_every_case_file_is_of_a_code() -> None:
    assert {f.stem for f in CASES.glob("SPEC*.yaml")} == set(CODES)


@pytest.mark.parametrize("name", ["dim_order", "customer_360", "salesforce_ingest"])
def test_the_examples_have_no_errors_and_no_warnings(name: str) -> None:
    loaded = parsed(Path(f"specs/{name}.yaml").read_text("utf-8"), f"{name}.yaml")
    report = lint(loaded)
    heavy = [f for f in report if f.severity in (Severity.ERROR, Severity.WARNING)]
    assert heavy == []
