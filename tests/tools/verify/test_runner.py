from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.tools.verify.generated import Generated, write
from tools.errors import ProgramMissing
from tools.findings import Finding, Location, Report, Severity
from tools.rules.article import Constitution
from tools.verify import runner
from tools.verify.bench import Checked
from tools.verify.build import Built, build
from tools.verify.data import Loading
from tools.verify.outcome import NodeResult, Outcome, Tier
from tools.verify.proof.tier import Proof
from tools.verify.results import Project
from tools.verify.runner import verify
from tools.verify.worker import DbtWorker

SHOP = (Path(__file__).parent / "cases" / "shop.yaml").read_text()
TODAY = dt.date(2026, 6, 1)
NOW = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
NO_RULES = Constitution("constitution")
WRONG = Finding("X001", Severity.ERROR, "wrong")
DOUBT = Finding("X002", Severity.WARNING, "doubtful")
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
        ("build", ["oracle", "properties", "mutants"]),
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
    assert outcome.not_run == tuple(
        f"{tier}: the build tier has errors" for tier in ("oracle", "properties", "mutants")
    )


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
