import importlib.util
from pathlib import Path
from typing import Any

import pytest

from tests.cases import load
from tests.tools.verify.mutants.shop import facts
from tools.sql.equivalent import smt
from tools.sql.equivalent.prove import Prover
from tools.sql.equivalent.registry import registered

CASES = {p.stem: load(p) for p in sorted((Path(__file__).parent / "cases").glob("*.yaml"))}
EACH = [(group, case) for group, cases in CASES.items() for case in cases]
Z3 = importlib.util.find_spec("z3") is not None


@pytest.mark.parametrize(("group", "case"), EACH, ids=[f"{g}: {c['name']}" for g, c in EACH])
def test_what_is_equivalent_and_by_which_argument(group: str, case: dict[str, Any]) -> None:
    if group == "z3" and not Z3:
        pytest.skip("z3 is not installed")
    found = Prover(facts()).prove([case["one"]], [case["other"]])
    assert (found.name if found else None) == case.get("by")
    if not case.get("one_way"):  # arguments may see it from one side alone
        turned = Prover(facts()).prove([case["other"]], [case["one"]])
        assert (turned is not None) == (found is not None)


def test_nothing_holds_without_facts() -> None:
    """Keys, NOT NULL and relationships are what most arguments rest on."""
    needs = {"unique_rows", "counted_value", "filled_value", "no_ties", "total_join"}
    cases = [c for _, c in EACH if c.get("by") in needs and "group by" not in c["one"]]
    made = ("row_number", "coalesce", "coupon >", "union", "null_rejecting")
    for case in cases:
        if not any(word in case["one"] for word in made):
            assert Prover({}).prove([case["one"]], [case["other"]]) is None, case["name"]


def test_every_argument_has_a_case_and_says_why() -> None:
    used = {c.get("by") for _, c in EACH}
    assert {a.name for a in registered()} == used - {None}
    for argument in registered():
        assert argument.claim.endswith("."), argument.name


def test_both_forms_need_an_argument() -> None:
    prover = Prover(facts())
    one = "select order_id from raw.orders"
    other = "select distinct order_id from raw.orders"
    wrong = "select order_id from raw.orders limit 1"
    found = prover.prove([one, one], [other, other])
    assert found is not None
    assert found.name == "unique_rows"
    assert found.reason == "rows are unique by order_id"
    assert prover.prove([one, one], [other, wrong]) is None
    assert prover.prove([one], ["select ("]) is None


def test_without_z3_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smt, "available", lambda: False)
    prover = Prover(facts())
    assert "z3 is not installed" in prover.notes[0]
    one = "select order_id from raw.orders where amount > 3 and amount > 2"
    assert prover.prove([one], ["select order_id from raw.orders where amount > 3"]) is None
