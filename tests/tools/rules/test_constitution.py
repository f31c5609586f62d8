"""The constitution that ships: every rule can fail, and generated code keeps all of them."""

import datetime as dt
from pathlib import Path
from typing import Any

from tests.cases import each
from tools.findings import Severity
from tools.generate.base import generate
from tools.plan import make_plan
from tools.rules.coverage import coverage
from tools.rules.engine import Subject, evaluate
from tools.rules.items import VARIABLES
from tools.rules.load import load_constitution
from tools.rules.registry import registered
from tools.rules.selftest import self_test
from tools.spec.load import parse_spec
from tools.spec.resolve import resolve
from tools.workspace import shipped

CASES = Path(__file__).parent / "cases"
SHIPPED = load_constitution(shipped("constitution"))


def test_every_rule_can_fail() -> None:
    assert [str(f) for f in self_test(SHIPPED)] == []


def test_every_rule_has_examples_of_both_kinds() -> None:
    assert [r.id for r in coverage(SHIPPED).rules if not (r.passing and r.failing)] == []


def test_articles() -> None:
    assert [a.id for a in SHIPPED.articles] == [f"A{n}" for n in range(1, 11)]
    assert all("*Why:*" in a.prose for a in SHIPPED.articles)
    assert coverage(SHIPPED).prose_only == 0


def test_every_check_and_every_kind_is_used() -> None:
    assert {r.check for r in SHIPPED.rules if r.check} == set(registered())
    assert {r.on for r in SHIPPED.rules} == set(VARIABLES)


@each(CASES / "specs.yaml")
def test_generated_code_keeps_every_must(case: dict[str, Any]) -> None:
    name = f"specs/{case['name'].replace(' ', '_')}.yaml"
    loaded = resolve(parse_spec(case["spec"], path=name, file=Path("/nowhere") / name), ())
    plan = make_plan(loaded.spec, loaded.digest)
    subject = Subject(loaded, plan, generate(plan, loaded.spec), today=dt.date(2026, 1, 1))
    assert subject.artifacts
    found = evaluate(SHIPPED, subject)
    assert [str(f) for f in found.errors] == []
    warned = {f.code for f in found.of_severity(Severity.WARNING)}
    assert warned == set(case["warns"])
