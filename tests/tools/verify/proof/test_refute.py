"""Faults planted in generated SQL, in the compiler and in the oracle: each is refuted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.tools.verify.proof.compiled import case_of
from tools.generate.dbt import joins
from tools.spec.load import LoadedSpec, load_spec
from tools.spec.resolve import resolve
from tools.spec.transform import Join
from tools.verify.fixtures.make import make_datasets
from tools.verify.mutants.clock import Clock
from tools.verify.oracle import transform
from tools.verify.oracle.engine import Engine
from tools.verify.oracle.frame import Frame
from tools.verify.oracle.joins import join_rows
from tools.verify.oracle.reading import Reading, Used
from tools.verify.proof import tier
from tools.verify.proof.agree import Case
from tools.verify.proof.fields import Rows, judged_series
from tools.verify.proof.tier import Proof, refute

SPECS = Path(__file__).parents[4] / "specs"


@pytest.fixture(scope="module")
def customers() -> LoadedSpec:
    return resolve(load_spec(SPECS / "customer_360.yaml"), [])


@pytest.fixture(scope="module")
def rows(customers: LoadedSpec) -> Rows:
    return Rows(make_datasets(customers.spec, customers.digest)[:5])


def proved(case: Case, rows: Rows, clock: Clock) -> Proof:
    proof = Proof(case, rows)
    with Engine() as engine:
        proof.runs = judged_series(case, rows, engine, clock)
        refute(proof, (), engine, clock)
    return proof


def edited(case: Case, unit: str, old: str, new: str) -> Case:
    found = case.compiled.unit(unit)
    assert found is not None
    assert old in found.sql, found.sql
    for other in case.compiled.units:
        new = new.replace(f"{{{other.name}}}", other.relation)
    return case.with_code(
        replace(
            found,
            sql=found.sql.replace(old, new),
            incremental=found.incremental.replace(old, new),
        )
    )


FAULTS = {
    "items fan out": (
        "int_orders",
        "left join items on",
        (
            "left join {stg_web__order_items} as again "
            "on stg_web__orders.order_id = again.order_id\nleft join items on"
        ),
    ),
    "inner join to tickets": ("mart_customer_360", "left join asked", "inner join asked"),
    "closes without inserting": (
        "dim_customer",
        "where intervals._operation = 'U'",
        "where intervals._operation = 'U' and intervals.valid_to is not null",
    ),
    "filter after the left join": (
        "int_customer_profile",
        "left join address on stg_crm__customers.customer_id = address.customer_id",
        (
            "left join address on stg_crm__customers.customer_id = address.customer_id\n"
            "where address.country is not null"
        ),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_refuted_on_few_rows(
    fault: str,
    customers: LoadedSpec,
    rows: Rows,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tier, "WITNESS_SECONDS", 60.0)  # however busy the machine is
    name, old, new = FAULTS[fault]
    proof = proved(edited(case_of(customers.spec), name, old, new), rows, clock)
    assert list(proof.refuted) == [name]
    assert 1 <= proof.refuted[name].rows <= 5
    assert [f.code for f in proof.findings] == ["PROOF001"]
    assert "expected" in proof.findings[0].evidence
    refuted = [v for v in proof.verdicts if v.kind == "REFUTED"]
    assert {v.model for v in refuted} == {name}
    assert all(v.witness for v in refuted)


@pytest.mark.slow
def test_the_code_as_it_is_compiled_holds(customers: LoadedSpec, rows: Rows, clock: Clock) -> None:
    proof = proved(case_of(customers.spec), rows, clock)
    assert proof.findings == []
    others = [v for v in proof.verdicts if v.kind != "TESTED"]
    assert [(v.column, v.reason) for v in others] == [
        ("customer_key", "the spec does not say how it is made")
    ]


@pytest.mark.slow
def test_a_bug_of_the_compiler_is_refuted(
    customers: LoadedSpec, rows: Rows, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joins, "first_row", lambda by, order: "")  # picks nothing: rows multiply
    proof = proved(case_of(customers.spec), rows, clock)
    assert "int_customer_profile" in proof.refuted


@pytest.mark.slow
def test_a_bug_of_the_oracle_is_refuted(
    customers: LoadedSpec, rows: Rows, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = join_rows

    def inner(reading: Reading, frame: Frame, join: Join, used: Used) -> Frame:
        return honest(reading, frame, join.model_copy(update={"type": "inner"}), used)

    monkeypatch.setattr(transform, "join_rows", inner)
    proof = proved(case_of(customers.spec), rows, clock)
    assert "int_orders" in proof.refuted
