"""Proposed unit tests in a real dbt: they pass on the right code and fail on a fault."""

from __future__ import annotations

import datetime as dt
import io
from dataclasses import dataclass
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from tests.tools.verify.generated import Generated, write
from tools.rules.article import Constitution
from tools.verify import runner
from tools.verify.bench import Checked
from tools.verify.outcome import Outcome
from tools.verify.proof import mutation
from tools.verify.worker import DbtWorker

SHOP = (Path(__file__).parents[1] / "cases" / "shop.yaml").read_text()
PLAIN = ("stg_customer", "customer_orders", "latest_event")
HISTORY = ("dim_order",)
FAULTS = {
    PLAIN: ("staging/stg_customer.sql", "'business'", "'private'"),
    HISTORY: ("marts/dim_order.sql", "is null as is_current", "is not null as is_current"),
}

pytestmark = pytest.mark.slow


def part(*names: str) -> str:
    """The spec of the shop with some of its models."""
    yaml, out = YAML(), io.StringIO()
    spec = yaml.load(SHOP)
    spec["models"] = [m for m in spec["models"] if m["name"] in names]
    yaml.dump(spec, out)
    return out.getvalue()


@dataclass(frozen=True)
class Proved:
    """A project that was built, with what was found of it."""

    models: tuple[str, ...]
    generated: Generated
    outcome: Outcome


@pytest.fixture(scope="module", params=[PLAIN, HISTORY], ids=["plain", "history"])
def proved(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, worker: DbtWorker
) -> Proved:
    generated = write(part(*request.param), tmp_path_factory.mktemp("shop"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runner, "check_properties", lambda *_, **__: Checked())
        # It is done long before, on a machine that does nothing else.
        patch.setattr(runner, "MUTANT_SECONDS", 240.0)
        patch.setattr(mutation, "TEST_SECONDS", 120.0)
        patch.setattr(mutation, "PROPOSE_SECONDS", 60.0)
        outcome = runner.verify(
            generated.subject, constitution=Constitution("constitution"), worker=worker,
            level="full", progress=lambda _: None, today=dt.date(2026, 6, 1),
            now=dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC), proof=True,
        )  # fmt: skip
    assert outcome.report.ok, outcome.report
    texts = "".join(s.proposal for s in outcome.strengths)
    (generated.project / "models" / "proposed.yml").write_text("unit_tests:\n" + texts)
    return Proved(request.param, generated, outcome)


def dbt_says(proved: Proved, worker: DbtWorker) -> dict[str, str]:
    """What becomes of the proposed tests, pasted into the project."""
    run = worker.dbt(
        ["test", "--select", "test_type:unit"], {}, project=proved.generated.project,
        database=proved.generated.database,
    )  # fmt: skip
    assert not run.error
    names = {str(r["unique_id"]): str(run.nodes[r["unique_id"]]["name"]) for r in run.results}
    return {
        names[str(r["unique_id"])]: str(r["status"])
        for r in run.results
        if "_case_" in names[str(r["unique_id"])]
    }


def test_proposed_tests_pass_on_the_code(proved: Proved, worker: DbtWorker) -> None:
    found = dbt_says(proved, worker)
    strengths = proved.outcome.strengths
    assert len(found) == sum(s.proposed for s in strengths) > 0
    assert set(found.values()) == {"pass"}
    improved = [s for s in strengths if s.proposed]
    assert all(s.shipped_killed < s.proposed_killed <= s.shipped_tried for s in improved)


def test_proposed_tests_fail_on_a_fault(proved: Proved, worker: DbtWorker) -> None:
    suffix, old, new = FAULTS[proved.models]
    files = proved.generated.project.rglob("*.sql")
    (file,) = (f for f in files if f.as_posix().endswith(suffix))
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
    try:
        found = dbt_says(proved, worker)
    finally:
        file.write_text(text)
    assert "fail" in found.values()
