"""A model that has not changed is not tried again; one that has, and what reads it, is."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools.verify.proof.compiled import case_of
from tests.tools.verify.proof.test_mutation import FEW, LOADED
from tests.tools.verify.proof.test_shipped import spec
from tools.spec.model import Spec
from tools.verify.mutants.clock import Clock
from tools.verify.oracle.engine import Engine
from tools.verify.proof.fields import judged_series
from tools.verify.proof.mutation import mutants_tier
from tools.verify.proof.reuse import keys_of
from tools.verify.proof.tier import Proof


def changed(model: int, text: str) -> Spec:
    """The spec with another condition in one model; ``top`` reads ``m``."""
    data = spec().to_json()
    data["models"][model]["where"] = text
    return Spec.model_validate(data)


def proved(given: Spec, state: Path) -> tuple[set[str], Proof]:
    """The models whose faults were tried, and what was shown."""
    case = case_of(given)
    with Engine() as engine, Clock() as clock:
        proof = Proof(case, FEW, judged_series(case, FEW, engine, clock))
    said: list[str] = []
    mutants_tier(proof, LOADED, (), seconds=300, progress=said.append, count=1, state=state)
    assert {s.split(":")[1].split(",")[0].strip() for s in said if "unchanged" in s} == (
        proof.strengths.keys() - proof.trials.keys()
    )
    return set(proof.trials), proof


def test_only_what_changed_and_what_reads_it_is_tried_again(tmp_path: Path) -> None:
    tried, first = proved(spec(), tmp_path)
    assert tried == {"m", "top"}
    tried, again = proved(spec(), tmp_path)
    assert tried == set()
    assert again.strengths == first.strengths
    assert proved(changed(1, "id > 2"), tmp_path)[0] == {"top"}
    assert proved(changed(0, "id < 9"), tmp_path)[0] == {"m", "top"}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"m": 1}', '{"m": {"own": ""}}'])
def test_a_damaged_file_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "proof" / "faults").mkdir(parents=True)
    (tmp_path / "proof" / "faults" / "p.json").write_text(text)
    assert proved(spec(), tmp_path)[0] == {"m", "top"}


def test_tests_of_what_reads_a_model_count_for_what_tests_notice_only() -> None:
    before, after = keys_of(case_of(spec())), keys_of(case_of(changed(1, "id > 2")))
    assert before["m"].own == after["m"].own
    assert before["m"].shipped != after["m"].shipped
    assert before["top"].own != after["top"].own
