"""Models that cannot be proved end in a clear verdict, and the others still get theirs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.tools.verify.proof.compiled import case_of
from tools.spec.model import Spec
from tools.verify.mutants.clock import Clock
from tools.verify.oracle.engine import Engine
from tools.verify.outcome import Verdict
from tools.verify.proof.agree import Case
from tools.verify.proof.fields import judged_series
from tools.verify.proof.tier import Proof, refute, rows_for

CELLS = [
    {"name": "id", "type": "integer", "nullable": False},
    {"name": "n", "type": "integer"},
    {"name": "d", "type": "integer"},
]


def model(name: str, kind: str, expr: str) -> dict[str, Any]:
    columns = [{"name": "id"}, {"name": "x", "type": kind, "expr": expr}]
    return {"name": name, "from": "s.t", "columns": columns}


FINE = model("fine", "integer", "n + 1")


def case(*models: dict[str, Any]) -> Case:
    table = {"name": "t", "columns": CELLS, "primary_key": ["id"]}
    source = {"name": "s", "system": "x", "tables": [table]}
    spec = {"pipeline": "p", "sources": [source], "models": [*models, FINE]}
    return case_of(Spec.model_validate(spec))


def verdicts(given: Case) -> dict[str, Verdict]:
    """The verdict on the last column of each model."""
    proof = Proof(given, rows_for(given.spec, "ab" * 32, {}))
    with Engine() as engine, Clock() as clock:
        proof.runs = judged_series(given, proof.rows, engine, clock)
        refute(proof, (), engine, clock)
    return {v.model: v for v in proof.verdicts}


@pytest.mark.parametrize(
    ("expr", "kind", "said"),
    [
        ("cast(now() as timestamp)", "timestamp", "now() gives another result"),
        ("random()", "double", "rand() gives another result"),
    ],
)
def test_what_differs_each_time_is_unverified_and_says_why(expr: str, kind: str, said: str) -> None:
    found = verdicts(case(model("m", kind, expr)))
    assert found["m"].kind == "UNVERIFIED"
    assert said in found["m"].reason
    assert found["fine"].kind == "TESTED"


def test_a_remainder_by_nothing_is_kept_out_of_the_rows() -> None:
    found = verdicts(case(model("m", "integer", "n % d")))
    assert {v.kind for v in found.values()} == {"TESTED"}


def test_a_model_without_a_key_gets_its_verdict() -> None:
    keyless = {"name": "m", "from": "s.t", "columns": [{"name": "n"}]}
    assert verdicts(case(keyless))["m"].kind == "TESTED"


def test_code_that_fails_where_the_spec_has_an_answer_is_refuted() -> None:
    given = case(model("m", "integer", "n"))
    unit = given.compiled.unit("m")
    assert unit is not None
    broken = replace(unit, sql=f"select id, n % 0 as x from ({unit.sql}) as q(id, n)")
    found = verdicts(given.with_code(broken))
    assert found["m"].kind == "REFUTED"
    assert found["fine"].kind == "TESTED"
