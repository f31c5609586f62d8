from __future__ import annotations

import datetime as dt
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from tests.tools.verify.generated import Generated, write
from tests.tools.verify.proof.compiled import case_of
from tests.tools.verify.proof.test_shipped import spec as small
from tools.errors import ProgramMissing
from tools.findings import Finding, Location, Report, Severity
from tools.rules.article import Constitution
from tools.verify import runner
from tools.verify.bench import Checked
from tools.verify.build import Built, build
from tools.verify.data import Loading
from tools.verify.former_run import TIERS
from tools.verify.outcome import NodeResult, Outcome, Strength, Tier
from tools.verify.proof.tier import Proof
from tools.verify.replies import Rows
from tools.verify.results import Project
from tools.verify.runner import verify
from tools.verify.worker import DbtWorker

SHOP = (Path(__file__).parent / "cases" / "shop.yaml").read_text()
TODAY = dt.date(2026, 6, 1)
NOW = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
NO_RULES = Constitution("constitution")
WRONG = Finding("X001", Severity.ERROR, "wrong")
DOUBT = Finding("X002", Severity.WARNING, "doubtful")
SPEC = small()
QUICK = "mutants: run it with --level full"
NODES = (
    NodeResult("m", "model", "success", 0.1, "", "m"),
    NodeResult("t", "test", "pass", 0.1, "", "m"),
    NodeResult("u", "unit_test", "fail", 0.1, "no", "m"),
)


class Idle(DbtWorker):
    """A worker that is never asked anything."""

    prepared: Path | None = None

    def prepare(self, project: Path, database: Path) -> None:
        self.prepared = project


@pytest.fixture
def generated(tmp_path: Path) -> Generated:
    return write(SHOP, tmp_path)


def run_stubbed(
    monkeypatch: pytest.MonkeyPatch, generated: Generated, **findings: Finding
) -> tuple[Outcome, list[str]]:
    """A verification whose tiers do nothing but return a finding."""

    def report(tier: str) -> Report:
        return Report.of([findings[tier]] if tier in findings else [])

    project = Project(generated.project, "generated/dbt")
    built = Built(report("build"), NODES, Loading(Report()), project)
    checked = Checked(list(report("properties")), ["something: not asked"], 3)
    monkeypatch.setattr(runner, "check_static", lambda *_: report("static"))
    monkeypatch.setattr(runner, "evaluate", lambda *_: report("rules"))
    monkeypatch.setattr(runner, "build", lambda *_, **__: built)
    monkeypatch.setattr(runner, "check_properties", lambda *_, **__: checked)
    proof = Proof(findings=list(report("oracle")))
    monkeypatch.setattr(runner, "oracle_tier", lambda *_, **__: proof)
    said: list[str] = []
    worker = Idle(generated.root)
    outcome = verify(
        generated.subject, constitution=NO_RULES, worker=worker, progress=said.append,
        today=TODAY, proof=True,
    )  # fmt: skip
    assert worker.prepared == generated.project
    return outcome, said


def test_all_tiers_in_order(monkeypatch: pytest.MonkeyPatch, generated: Generated) -> None:
    outcome, said = run_stubbed(monkeypatch, generated, rules=DOUBT)
    assert [t.name for t in outcome.tiers] == ["static", "rules", "build", "oracle", "properties"]
    assert outcome.ok
    assert outcome.nodes == NODES
    assert outcome.not_run == ("something: not asked", QUICK)
    assert [f.code for f in outcome.report] == ["X002"]
    assert said[0].startswith("static: ")
    summaries = {t.name: t.summary for t in outcome.tiers}
    assert summaries["build"] == "1 of 1 model built, 1 of 2 tests pass"
    assert summaries["properties"] == "3 loads tried, no errors"
    assert all(t.seconds >= 0 for t in outcome.tiers)


@pytest.mark.parametrize(
    ("failing", "left"),
    [
        ("static", ["rules", "build", "oracle", "properties", "mutants"]),
        ("rules", ["build", "oracle", "properties", "mutants"]),
        ("oracle", ["properties", "mutants"]),
        ("properties", ["mutants"]),
    ],
)
def test_a_tier_with_errors_stops_the_deeper_ones(
    monkeypatch: pytest.MonkeyPatch, generated: Generated, failing: str, left: list[str]
) -> None:
    outcome, _ = run_stubbed(monkeypatch, generated, **{failing: WRONG})
    assert not outcome.ok
    assert outcome.tiers[-1].name == failing
    assert not outcome.tiers[-1].ok
    listed = [n for n in outcome.not_run if "tier has errors" in n]
    assert listed == [f"{tier}: the {failing} tier has errors" for tier in left]


def test_what_was_built_is_held_against_the_spec_where_other_models_do_not_build(
    monkeypatch: pytest.MonkeyPatch, generated: Generated
) -> None:
    outcome, _ = run_stubbed(monkeypatch, generated, build=WRONG)
    assert [(t.name, t.ok) for t in outcome.tiers][-2:] == [("build", False), ("oracle", True)]
    listed = [n for n in outcome.not_run if "tier has errors" in n]
    assert listed == [f"{tier}: the build tier has errors" for tier in ("properties", "mutants")]


@dataclass
class Stubs:
    """Tiers that wait for each other, as the real ones may have to."""

    right: bool = True
    properties: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)
    in_vain: bool = False

    def oracle(self, *_: object, compiled: Callable[[], None], **__: object) -> Proof:
        self.asked.append("oracle")
        compiled()
        return Proof(case_of(SPEC), findings=[] if self.right else [WRONG])

    def check(self, *_: object, worker: DbtWorker, **__: object) -> Checked:
        self.asked.append("properties")
        assert self.properties.wait(30)
        worker.sql(Path("d"), [])
        return Checked([WRONG] if self.in_vain else [], [], 3)

    def mutants(self, proof: Proof, *_: object, stop: Callable[[], bool], **__: object) -> None:
        self.asked.append("mutants")
        self.properties.set()  # they end while faults are tried
        while self.in_vain and not stop():
            time.sleep(0.01)
        proof.strengths["m"] = Strength("m", killed=2)


class Answering(Idle):
    """A worker whose databases are empty."""

    def sql(self, *_: object, **__: object) -> tuple[Rows, ...]:
        return ()


@pytest.fixture
def stubs(monkeypatch: pytest.MonkeyPatch, generated: Generated) -> Stubs:
    found = Stubs()
    project = Project(generated.project, "generated/dbt")
    built = Built(Report(), NODES, Loading(Report()), project)
    monkeypatch.setattr(runner, "check_static", lambda *_: Report())
    monkeypatch.setattr(runner, "evaluate", lambda *_: Report())
    monkeypatch.setattr(runner, "build", lambda *_, **__: built)
    monkeypatch.setattr(runner, "processes", lambda: 1)
    monkeypatch.setattr(runner, "oracle_tier", found.oracle)
    monkeypatch.setattr(runner, "check_properties", found.check)
    monkeypatch.setattr(runner, "mutants_tier", found.mutants)
    return found


def full(generated: Generated, *, fresh: bool = False, rebuild: bool = False) -> Outcome:
    return verify(
        generated.subject, constitution=NO_RULES, worker=Answering(generated.root), level="full",
        progress=lambda _: None, today=TODAY, now=NOW, proof=True, fresh=fresh, rebuild=rebuild,
    )  # fmt: skip


def test_properties_are_tried_while_faults_are(stubs: Stubs, generated: Generated) -> None:
    outcome = full(generated)
    assert [t.name for t in outcome.tiers] == list(TIERS)
    assert outcome.ok
    assert [s.killed for s in outcome.strengths] == [2]


def test_faults_are_not_tried_on_when_a_property_fails(stubs: Stubs, generated: Generated) -> None:
    stubs.in_vain = True
    outcome = full(generated)
    assert outcome.tiers[-1].name == "properties"
    assert "mutants: the properties tier has errors" in outcome.not_run
    assert outcome.strengths == ()


def test_properties_are_left_off_when_the_oracle_finds_an_error(
    stubs: Stubs, generated: Generated
) -> None:
    stubs.right = False
    threading.Timer(0.2, stubs.properties.set).start()
    outcome = full(generated)
    assert outcome.tiers[-1].name == "oracle"
    assert "properties: the oracle tier has errors" in outcome.not_run
    assert {f.code for f in outcome.report} == {"X001"}
    assert "mutants" not in stubs.asked


def test_what_has_not_changed_is_not_run_again(stubs: Stubs, generated: Generated) -> None:
    generated.database.parent.mkdir(parents=True, exist_ok=True)
    generated.database.write_text("rows")
    first = full(generated)
    stubs.asked.clear()
    again = full(generated)
    assert stubs.asked == []
    assert {t.since for t in again.tiers if t.name in TIERS[2:]} == {"2026-06-01T12:00:00Z"}
    assert again.nodes == first.nodes
    assert again.strengths == tuple(
        replace(s, since="2026-06-01T12:00:00Z") for s in first.strengths
    )
    assert Outcome.from_json(json.loads(json.dumps(again.to_json()))) == again
    full(generated, fresh=True)
    assert set(stubs.asked) == {"oracle", "properties", "mutants"}


def test_a_pipeline_with_errors_is_proved_again(stubs: Stubs, generated: Generated) -> None:
    stubs.right = False
    stubs.properties.set()
    for _ in range(2):
        stubs.asked.clear()
        assert not full(generated).ok
        assert "oracle" in stubs.asked


def test_an_outcome_survives_json() -> None:
    outcome = Outcome(
        Report.of([replace(WRONG, location=Location("a.yaml", 1), evidence="x")]),
        (Tier("static", 0.1, ok=False, summary="1 error"),),
        NODES,
        ("rules: the static tier has errors",),
    )
    assert Outcome.from_json(json.loads(json.dumps(outcome.to_json()))) == outcome
    assert outcome.to_json()["ok"] is False


@pytest.mark.slow
def test_a_real_verification(worker: DbtWorker, generated: Generated) -> None:
    said: list[str] = []
    outcome = verify(
        generated.subject, constitution=NO_RULES, worker=worker,
        progress=said.append, today=TODAY, now=NOW, proof=True,
    )  # fmt: skip
    assert outcome.ok, [f"{f}\n{f.evidence}" for f in outcome.report.errors]
    assert [t.name for t in outcome.tiers] == ["static", "rules", "build", "oracle", "properties"]
    assert outcome.not_run == ("schema evolution: run it with --level full", QUICK)
    assert {v.kind for v in outcome.verdicts if v.model == "customer_orders"} == {"TESTED"}
    assert any("shuffled" in s for s in said)
    assert {n.status for n in outcome.nodes} == {"success", "pass"}
    assert {n.name for n in outcome.nodes if n.kind == "model"} >= {"dim_order", "all_events"}
    assert {f.code for f in outcome.report} == {"DATA008"}
    assert generated.database.exists()
    assert not (generated.project / "target").exists()

    # The same again on a database that is there: nothing moves, nothing is added.
    count = "select count(*) from marts.dim_order"
    before = worker.sql(generated.database, [count])[0].rows
    again = build(
        generated.loaded, generated.artifacts, project=generated.project,
        database=generated.database, roots=[], worker=worker, now=NOW + dt.timedelta(days=1),
        others={}, progress=said.append,
    )  # fmt: skip
    assert again.report.ok
    assert worker.sql(generated.database, [count])[0].rows == before


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[DbtWorker]:
    """A dbt with a folder of its own: what other tests have proved is not kept there."""
    with DbtWorker(tmp_path / "worker", timeout=120) as worker:
        yield worker


@pytest.mark.slow
def test_only_what_a_change_concerns_is_proved_again(
    fresh: DbtWorker, generated: Generated
) -> None:
    def verified(now: dt.datetime) -> Outcome:
        return verify(
            generated.subject, constitution=NO_RULES, worker=fresh, progress=lambda _: None,
            today=TODAY, now=now, proof=True, rebuild=False,
        )  # fmt: skip

    first, again = verified(NOW), verified(NOW + dt.timedelta(hours=1))
    assert first.ok
    assert {t.since for t in first.tiers} == {""}
    assert {t.since for t in again.tiers if t.name in TIERS[2:]} == {"2026-06-01T12:00:00Z"}
    assert again.nodes == first.nodes
    assert again.not_run == first.not_run

    (file,) = generated.project.rglob("customer_orders.sql")
    file.write_text(file.read_text().replace("select", "select /* by hand */", 1))
    changed = verified(NOW + dt.timedelta(hours=2))
    assert changed.ok
    assert {t.since for t in changed.tiers} == {""}
    assert {v.model for v in changed.verdicts if not v.since} == {"customer_orders"}
    assert [replace(v, since="") for v in changed.verdicts] == list(first.verdicts)


@pytest.mark.slow
def test_a_build_that_fails_names_the_file_as_artifacts_do(
    worker: DbtWorker, tmp_path: Path
) -> None:
    made = write(
        SHOP, tmp_path, {"/stg_customer.sql": lambda t: t.replace("trim(name)", "trims(name)")}
    )
    outcome = verify(
        made.subject, constitution=NO_RULES, worker=worker, progress=lambda _: None,
        today=TODAY, now=NOW, proof=True,
    )  # fmt: skip
    (failed,) = outcome.report.errors
    assert failed.location is not None
    assert failed.location.path == "generated/dbt/models/staging/stg_customer.sql"
    assert failed.location.line
    assert "trims" in failed.message + failed.evidence
    stopped = [n for n in outcome.not_run if "tier has errors" in n]
    assert stopped == [f"{tier}: the build tier has errors" for tier in ("properties", "mutants")]
    kinds = {v.model: v.kind for v in outcome.verdicts}
    assert kinds["stg_customer"] == "REFUTED"
    assert "TESTED" in kinds.values()


def test_dbt_that_is_missing_stops_the_verification(
    monkeypatch: pytest.MonkeyPatch, generated: Generated
) -> None:
    def missing(*_: object, **__: object) -> Built:
        raise ProgramMissing("dbt cannot be used", "install it")

    monkeypatch.setattr(runner, "build", missing)
    with pytest.raises(ProgramMissing):
        verify(
            generated.subject, constitution=NO_RULES, worker=Idle(generated.root),
            progress=lambda _: None, today=TODAY, proof=True,
        )  # fmt: skip


REPORTS = """
pipeline: reports
models:
  - name: kinds
    description: How many customers of each kind.
    grain: [kind]
    from: stg_customer
    group_by: [kind]
    aggregations:
      - {name: customers, type: bigint, expr: count(*), nullable: false, description: Customers.}
"""


@pytest.mark.slow
def test_models_of_another_spec_are_built_and_loaded_with_it(
    worker: DbtWorker, tmp_path: Path
) -> None:
    upstream = write(SHOP, tmp_path)
    others = {m.name: upstream.loaded for m in upstream.loaded.spec.models}
    made = write(REPORTS, tmp_path, others={name: o.spec for name, o in others.items()})
    outcome = verify(
        replace(made.subject, others=others), constitution=NO_RULES, worker=worker,
        progress=lambda _: None, today=TODAY, now=NOW, proof=True,
    )  # fmt: skip
    assert outcome.ok, [f"{f}\n{f.evidence}" for f in outcome.report.errors]
    assert {n.name for n in outcome.nodes if n.kind == "model"} == {"stg_customer", "kinds"}
    rows = worker.sql(made.database, ["select sum(customers) from marts.kinds"])[0].rows
    assert rows[0][0] == 8
