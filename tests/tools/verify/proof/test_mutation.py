"""The mutants tier: the same however many processes work, and honest about what was cut short."""

from __future__ import annotations

import math
import os
import pickle
import time
from dataclasses import replace

import pytest

from tests.tools.verify.proof.compiled import case_of
from tests.tools.verify.proof.test_shipped import rows, spec
from tests.tools.verify.specs import spec as parsed
from tools.verify.mutants.clock import Clock
from tools.verify.mutants.verdict import MutationResult
from tools.verify.oracle.engine import Engine
from tools.verify.outcome import Strength
from tools.verify.proof import mutation
from tools.verify.proof.faults import SO_FAR, planted, try_faults, try_first, try_rest
from tools.verify.proof.fields import Rows, fields_of, judged_series
from tools.verify.proof.jobs import Ground, Job
from tools.verify.proof.mutation import mutants_tier
from tools.verify.proof.reuse import Former
from tools.verify.proof.tier import Proof

LOADED = parsed("pipeline: p\nsources: []\nmodels: []\n")
FEW = Rows((rows((1, "a"), (2, None), (3, "-"), name="one"), rows((2, "b"), name="two")))


def proof_of(given: Rows = FEW) -> Proof:
    case = case_of(spec())
    with Engine() as engine, Clock() as clock:
        return Proof(case, given, judged_series(case, given, engine, clock))


def tried(count: int, seconds: float = 300.0) -> Proof:
    proof = proof_of()
    mutants_tier(proof, LOADED, (), seconds=seconds, progress=lambda _: None, count=count)
    return proof


def said(proof: Proof) -> dict[str, list[tuple[object, ...]]]:
    return {
        name: [(v.mutant, v.status, v.by, v.how, v.detail) for _, r in trial for v in r.verdicts]
        for name, trial in proof.trials.items()
    }


def untimed(proof: Proof) -> dict[str, Strength]:
    return {name: replace(s, seconds=0) for name, s in proof.strengths.items()}


@pytest.mark.slow
def test_two_processes_say_what_one_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutation, "_SLICE", 7)  # so that a unit is shared by processes
    monkeypatch.setattr(mutation, "TEST_SECONDS", 300.0)
    monkeypatch.setattr(mutation, "PROPOSE_SECONDS", 300.0)
    alone, together = tried(1), tried(2)
    assert said(alone) == said(together)
    assert any(said(alone).values())
    assert untimed(alone) == untimed(together)
    assert all(s.not_tried == 0 for s in alone.strengths.values())


def test_without_time_nothing_survives_and_nothing_is_killed() -> None:
    proof = tried(1, seconds=-60.0)
    assert proof.strengths
    for name, strength in proof.strengths.items():
        assert strength.rate is None
        assert strength.not_tried > 0
        assert any(f"mutants: {name}: {strength.not_tried} fault" in n for n in proof.not_run)


def dying(ground: Ground, job: Job) -> MutationResult:
    """A process that ends in the middle of its work."""
    os._exit(9)


def test_a_process_that_dies_leaves_its_faults_untried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutation, "perform", dying)
    proof = tried(2)
    assert proof.strengths
    assert all(s.rate is None and s.not_tried for s in proof.strengths.values())
    assert any("ended with code 9" in n for n in proof.not_run)


def test_a_survivor_that_was_not_tried_on_all_rows_is_none() -> None:
    blind = Rows(tuple(rows(name=f"no rows {n}") for n in range(6)))
    with Clock() as clock:
        proof = proof_of(blind)
        assert proof.case is not None
        place = fields_of(proof.case, proof.runs, only=["m"])["m"][0]
        first = try_first(place, planted(place), math.inf, clock)
        assert first.of("undecided")
        late = try_rest(place, first, time.monotonic() - 1, clock)
        assert not late.of("undecided")
        assert {v.detail for v in late.of("not_tried")} == {SO_FAR}
        assert late.tally.killed == first.tally.killed
        whole = try_faults(place, planted(place), math.inf, clock)
        assert len(whole.of("undecided")) == len(late.of("not_tried"))


def test_all_that_jobs_need_can_be_shipped() -> None:
    proof = proof_of()
    assert proof.case is not None
    ground = Ground(proof.case, proof.runs, LOADED.digest)
    assert ground.fields["m"]
    again = pickle.loads(pickle.dumps(ground))  # noqa: S301
    assert isinstance(again, Ground)
    assert [planted(f) for f in again.fields["m"]] == [planted(f) for f in ground.fields["m"]]


def test_nothing_is_said_when_nobody_waits_any_more() -> None:
    proof = proof_of()
    mutants_tier(
        proof, LOADED, (), seconds=300, progress=lambda _: None, count=1, stop=lambda: True
    )
    assert not proof.strengths
    assert not proof.trials


def test_a_model_of_a_former_run_is_not_tried() -> None:
    proof, known = proof_of(), Strength("m", killed=7, since="2026-06-01")
    proof.recalled, proof.strengths = {"m": Former("2026-06-01", (), known)}, {"m": known}
    said: list[str] = []
    mutants_tier(proof, LOADED, (), seconds=300, progress=said.append, count=1)
    assert set(proof.trials) == {"top"}
    assert proof.strengths["m"] == known
    assert "mutants: m, unchanged since its faults were tried" in said
