"""What makes a passing run a repair, and what does not."""

from __future__ import annotations

from typing import Any

import pytest

from agent.evidence import signature, weigh
from tools.findings import Finding, Severity
from tools.suites.base import SuiteRun

FINDING = Finding("DBT003", Severity.ERROR, "it fails", subject="a")
BEFORE = SuiteRun(
    "dbt",
    ok=False,
    tests={"a": "failed", "b": "passed", "c": "skipped"},
    findings=(FINDING,),
    marks={"a": "1", "b": "2", "c": "3"},
    rows={"orders": 8, "empty": 0},
    broken=("sales",),
)
GOOD: dict[str, Any] = {
    "ok": True,
    "tests": {"a": "passed", "b": "passed", "c": "passed"},
    "marks": {"a": "1", "b": "2", "c": "3"},
    "rows": {"orders": 4, "empty": 0, "sales": 2},
}


@pytest.mark.parametrize(
    ("changed", "codes"),
    [
        ({}, []),
        ({"tests": {"a": "passed", "b": "passed"}, "marks": {"a": "1", "b": "2"}}, ["REP001"]),
        ({"tests": {"a": "skipped", "b": "passed", "c": "passed"}}, ["REP002"]),
        ({"tests": {"a": "missing", "b": "passed", "c": "passed"}}, ["REP002"]),
        ({"tests": {"a": "passed", "b": "passed", "c": "skipped"}}, []),
        ({"marks": {"a": "0", "b": "2", "c": "3"}}, ["REP003"]),
        ({"rows": {"orders": 0, "empty": 0, "sales": 2}}, ["REP004"]),
        ({"rows": {"empty": 0, "sales": 2}}, ["REP005"]),
        ({"rows": {"orders": 4, "empty": 0, "sales": 0}}, ["REP006"]),
        ({"rows": {"orders": 4, "empty": 1, "sales": 2, "more": 0}}, []),
    ],
)
def test_objections(changed: dict[str, Any], codes: list[str]) -> None:
    proof = weigh(BEFORE, SuiteRun("dbt", **{**GOOD, **changed}))
    assert [finding.code for finding in proof.objections] == codes
    assert proof.ok == (not codes)


def test_a_run_that_fails_is_no_repair() -> None:
    proof = weigh(BEFORE, BEFORE)
    assert not proof.ok
    assert proof.findings == (FINDING,)


def test_a_project_that_cannot_be_read_has_not_lost_its_tests() -> None:
    proof = weigh(BEFORE, SuiteRun("dbt", ok=False, findings=(FINDING,)))
    assert proof.objections == ()
    assert not proof.ok


def test_rows_that_are_others() -> None:
    proof = weigh(BEFORE, SuiteRun("dbt", **GOOD))
    assert proof.rows == (("orders", 8, 4), ("sales", None, 2))


def test_signatures_know_no_order() -> None:
    other = Finding("DBT002", Severity.ERROR, "that too")
    assert signature([FINDING, other]) == signature([other, FINDING])
    assert signature([FINDING]) != signature([other])
