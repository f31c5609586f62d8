"""Every registered check against its cases: ``cases/checks/<name>.yaml``."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cases import load
from tools.findings import Fix, Location, Severity
from tools.rules.article import Article, Constitution, Example, Rule
from tools.rules.engine import evaluate
from tools.rules.examples import subject_of
from tools.rules.registry import registered

CASES = Path(__file__).parent / "cases" / "checks"
ALL = [(path.stem, case) for path in sorted(CASES.glob("*.yaml")) for case in load(path)]
HERE = Location("constitution/test.md", 1)


def rule_for(check: str, on: str, options: dict[str, Any]) -> Constitution:
    rule = Rule("A1.R1", "MUST", on, check, options, None, None, "", "", HERE)
    return Constitution("test", (Article("A1", "Test", "", HERE, (rule,)),))


def findings(check: str, case: dict[str, Any]) -> list[Any]:
    sql = "sql" in case
    text = case["sql"] if sql else json.dumps(case["subject"], default=str)
    example = Example("fail", "sql" if sql else "yaml", text, HERE)
    subject = subject_of(example, case["on"])
    return list(evaluate(rule_for(check, case["on"], case.get("with", {})), subject))


@pytest.mark.parametrize(("check", "case"), ALL, ids=[f"{c}: {case['name']}" for c, case in ALL])
def test_case(check: str, case: dict[str, Any]) -> None:
    found = findings(check, case)
    assert sorted(f.message for f in found) == sorted(case["breaches"])
    assert {f.code for f in found} <= {"A1.R1"}
    assert {f.severity for f in found} <= {Severity.ERROR}
    assert all(f.location is not None and f.subject for f in found)


def test_every_check_has_cases_that_pass_and_cases_that_do_not() -> None:
    for name in registered():
        mine = [case for check, case in ALL if check == name]
        assert any(case["breaches"] for case in mine), name
        assert any(not case["breaches"] for case in mine), name
        covered = {case["on"] for case in mine}
        assert covered == registered()[name].on, name


def one(check: str, name: str) -> Any:
    (case,) = [c for k, c in ALL if k == check and c["name"] == name]
    return findings(check, case)[0]


def test_a_missing_key_test_comes_with_its_fix() -> None:
    found = one("keys_tested", "everything is missing")
    path = "generated/dbt/models/marts/dim_order.yml"
    values = {"model": "dim_order", "column": "order_id", "test": "not_null"}
    assert found.fix == Fix("add_column_test", path, values)
    assert found.subject == "dim_order.order_id"
    assert found.location == Location(path, 6)


def test_findings_in_sql_have_the_line_of_the_dbt_file() -> None:
    text = "{{ config(\n  a=1\n) }}\nselect\n  a,\n  b.*\nfrom {{ ref('b') }} as b\n"
    found = findings("no_select_star", {"on": "sql", "sql": text})
    assert [str(f.location) for f in found] == ["generated/dbt/models/marts/dim_order.sql:6"]


def test_a_secret_is_not_repeated() -> None:
    case = {"on": "spec", "subject": {"description": "postgres://me:hunter22@db/x"}}
    (found,) = findings("no_secrets", case)
    assert "hunter22" not in json.dumps(found.to_json())
