"""Why each row is there: what it was made for, and the faults that are told by it."""

from __future__ import annotations

from tests.tools.verify.proof.compiled import case_of
from tests.tools.verify.proof.test_shipped import KINDS, rows, spec
from tools.spec.model import Spec
from tools.verify.dataset import Dataset, Table
from tools.verify.mutants.clock import Clock
from tools.verify.mutants.verdict import MutationResult, Verdict
from tools.verify.oracle.engine import Engine
from tools.verify.proof.faults import planted
from tools.verify.proof.fields import Rows, fields_of, judged_series
from tools.verify.proof.reasons import reasons_of
from tools.verify.proof.tier import Proof


def proof_of(given: Spec, made: Rows, *descriptions: str) -> Proof:
    """A proof in which some faults of model m were told on its first data set."""
    case = case_of(given)
    with Engine() as engine, Clock() as clock:
        runs = judged_series(case, made, engine, clock)
    (place,) = fields_of(case, runs, only=["m"])["m"]
    faults = [f for f in planted(place) if f.description in descriptions]
    assert len(faults) == len(descriptions), [f.description for f in planted(place)]
    by = runs[0].scenario.name
    verdicts = tuple(Verdict(f, "killed", by, "rows") for f in faults)
    return Proof(case, made, list(runs), trials={"m": [(place, MutationResult(verdicts))]})


DEFAULT = "default '-' becomes '-x'"


def test_the_row_that_a_fault_needs_is_found_among_others() -> None:
    data = rows((1, "a"), (2, None), (3, "c"))
    why = {("s.t", 0): "ordinary", ("s.t", 1): "name is NULL", ("s.t", 2): "ordinary"}
    made = Rows((Dataset(data.tables, why, "d"),))
    found = reasons_of(proof_of(spec(), made, DEFAULT), "m", 60)
    assert [(r.table, r.row, r.why) for r in found] == [
        ("s.t", 1, "ordinary"), ("s.t", 2, "name is NULL"), ("s.t", 3, "ordinary"),
    ]  # fmt: skip
    assert [len(r.tells) for r in found] == [0, 1, 0]
    assert found[1].tells[0].startswith(DEFAULT)


def test_without_faults_every_row_has_the_reason_it_was_made_for() -> None:
    data = Dataset({"s.t": Table(KINDS, ((1, "a"),))}, {("s.t", 0): "ordinary"}, "d")
    (found,) = reasons_of(proof_of(spec(), Rows((data,))), "m", 60)
    assert (found.dataset, found.why, found.tells) == ("d", "ordinary", ())


def test_a_model_that_is_not_there_has_no_rows() -> None:
    assert reasons_of(Proof(), "m", 1) == ()
    assert reasons_of(proof_of(spec(), Rows((rows((1, "a")),))), "other", 1) == ()
