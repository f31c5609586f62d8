"""A model that has not changed is not proved again; one that has, and what reads it, is."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.tools.verify.proof.compiled import case_of
from tests.tools.verify.proof.test_mutation import FEW, LOADED
from tests.tools.verify.proof.test_shipped import spec
from tools.spec.load import LoadedSpec
from tools.spec.model import Spec
from tools.verify.outcome import Strength
from tools.verify.proof import reuse, tier
from tools.verify.proof.agree import Case
from tools.verify.proof.compile import Compiled
from tools.verify.proof.reuse import keys_of, recalled
from tools.verify.proof.tier import Proof, oracle_tier
from tools.verify.worker import DbtWorker

BOTH = {"m", "top"}
NOW, LATER = "2026-06-01T12:00:00Z", "2026-06-02T12:00:00Z"


def changed(model: int, text: str) -> Spec:
    """The spec with another condition in one model; ``top`` reads ``m``."""
    data = spec().to_json()
    data["models"][model]["where"] = text
    return Spec.model_validate(data)


def wrong(given: Spec, name: str = "top") -> Compiled:
    """The code of a spec, one model of which leaves out every row."""
    case = case_of(given)
    unit = case.compiled.unit(name)
    assert unit is not None
    code = replace(unit, sql=f"select * from ({unit.sql}) where false")
    return case.with_code(code).compiled


@pytest.fixture
def proved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[set[str], Proof]]:
    """Judges code; gives the models that were judged, and what was shown."""

    def run(
        given: Spec, code: Compiled | None = None, *, since: str = NOW, faults: bool = False,
        strengths: bool = False,
    ) -> tuple[set[str], Proof]:  # fmt: skip
        compiled = code or case_of(given).compiled
        monkeypatch.setattr(tier, "compile_project", lambda *_, **__: compiled)

        def former(case: Case) -> dict[str, reuse.Former]:
            return recalled(tmp_path, case, faults=faults)

        loaded: LoadedSpec = replace(LOADED, spec=given)
        proof = oracle_tier(
            loaded, (), {}, project=tmp_path, database=tmp_path / "d", worker=DbtWorker(tmp_path),
            progress=lambda _: None, rows=lambda: FEW, former=former,
        )  # fmt: skip
        judged = {n for r in proof.runs for n in r.judged} & BOTH
        if strengths:
            proof.strengths |= {n: Strength(n, killed=2, shipped_tried=2) for n in judged}
        proof.remember(tmp_path, since)
        return judged, proof

    return run


Run = Callable[..., tuple[set[str], Proof]]


def test_only_what_changed_and_what_reads_it_is_judged_again(proved: Run) -> None:
    judged, first = proved(spec())
    assert judged == BOTH
    judged, again = proved(spec(), since=LATER)
    assert judged == set()
    assert again.verdicts == tuple(replace(v, since=NOW) for v in first.verdicts)
    assert proved(changed(1, "id > 2"))[0] == {"top"}
    assert proved(changed(0, "id < 9"))[0] == BOTH


def test_a_verdict_says_whether_it_was_shown_now(proved: Run) -> None:
    proved(spec())
    _, proof = proved(changed(1, "id > 2"), since=LATER)
    assert {v.since for v in proof.verdicts if v.model == "m"} == {NOW}
    assert {v.since for v in proof.verdicts if v.model == "top"} == {""}
    _, proof = proved(changed(1, "id > 2"))
    assert {v.since for v in proof.verdicts if v.model == "top"} == {LATER}


def test_changed_code_is_judged_again_and_a_refuted_model_always(proved: Run) -> None:
    proved(spec())
    for _ in range(2):
        judged, proof = proved(spec(), wrong(spec()))
        assert judged == {"top"}
        assert [f.code for f in proof.findings] == ["PROOF001"]
        assert {v.kind for v in proof.verdicts if v.model == "top"} == {"REFUTED"}
    assert proved(spec())[0] == {"top"}  # what was kept of it is gone


def test_code_that_others_read_has_them_judged_again(proved: Run) -> None:
    proved(spec())
    case = case_of(spec())
    unit = case.compiled.unit("m")
    assert unit is not None
    other = replace(unit, sql=f"select * from ({unit.sql}) where true")
    assert proved(spec(), case.with_code(other).compiled)[0] == BOTH


def test_a_comment_at_the_head_of_the_code_says_nothing(proved: Run) -> None:
    proved(spec())
    case = case_of(spec())
    unit = case.compiled.unit("m")
    assert unit is not None
    dated = replace(unit, sql=f"-- made of spec 0123\n\n-- by hand\n{unit.sql}")
    assert proved(spec(), case.with_code(dated).compiled)[0] == set()


def test_another_program_proves_anew(proved: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    proved(spec())
    monkeypatch.setattr(reuse, "own_version", lambda: "another")
    assert proved(spec())[0] == BOTH


def test_a_verdict_without_faults_does_not_do_where_faults_are_wanted(proved: Run) -> None:
    proved(spec())
    assert proved(spec(), faults=True, strengths=True)[0] == BOTH
    judged, proof = proved(spec(), faults=True)
    assert judged == set()
    assert {s.since for s in proof.strengths.values()} == {NOW}


@pytest.mark.parametrize("left", [{"not_tried": 1}, {"problem": "no rows"}])
def test_faults_that_were_not_tried_to_the_end_are_tried_again(
    proved: Run, tmp_path: Path, left: dict[str, object]
) -> None:
    _, proof = proved(spec())
    proof.strengths = {n: replace(Strength(n, killed=1), **left) for n in BOTH}  # type: ignore[arg-type]
    proof.remember(tmp_path, NOW)
    assert proved(spec(), faults=True)[0] == BOTH
    assert proved(spec(), faults=False)[0] == set()


def test_what_tests_notice_is_not_said_again_when_what_reads_the_model_has_changed(
    proved: Run,
) -> None:
    proved(spec(), strengths=True)
    judged, proof = proved(changed(1, "id > 2"), faults=True)
    assert judged == {"top"}
    assert proof.strengths["m"].killed == 2
    assert proof.strengths["m"].shipped_rate is None
    assert any(n.startswith("mutants: m: the tests") for n in proof.not_run)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: "{",
        lambda text: "[]",
        lambda text: '{"own": ""}',
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("TESTED", "PROVED"),
    ],
)
def test_a_damaged_file_counts_as_none(
    proved: Run, tmp_path: Path, damage: Callable[[str], str]
) -> None:
    proved(spec())
    file = tmp_path / "proof" / "models" / "p" / "m.json"
    file.write_text(damage(file.read_text()))
    assert proved(spec())[0] == {"m"}
    assert proved(spec())[0] == set()


def test_runs_at_the_same_time_leave_whole_files(proved: Run, tmp_path: Path) -> None:
    _, proof = proved(spec())
    moments = [f"2026-06-{day:02}T00:00:00Z" for day in range(1, 25)]
    threads = [threading.Thread(target=proof.remember, args=(tmp_path, m)) for m in moments]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    folder = tmp_path / "proof" / "models" / "p"
    assert {f.name for f in folder.iterdir()} >= {"m.json", "top.json"}
    for file in folder.iterdir():
        assert json.loads(file.read_text())["former"]["since"] in moments
    assert proved(spec())[0] == set()


def test_tests_of_what_reads_a_model_count_for_what_tests_notice_only() -> None:
    before, after = keys_of(case_of(spec())), keys_of(case_of(changed(1, "id > 2")))
    assert before["m"].own == after["m"].own
    assert before["m"].shipped != after["m"].shipped
    assert before["top"].own != after["top"].own
