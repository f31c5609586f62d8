"""Sources that change shape, on a real dbt: right code stands it, and what does not is found."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tools.verify.generated import Generated, write
from tools.verify.bench import Bench, Checked
from tools.verify.build import build, model_names
from tools.verify.evolution import check_evolution
from tools.verify.worker import DbtWorker

pytestmark = pytest.mark.slow

SHOP = (Path(__file__).parent / "cases" / "shop.yaml").read_text()
NOW = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
Change = Callable[[str], str]


def sub(old: str, new: str) -> Change:
    return lambda text: text.replace(old, new)


COUNTED = (
    "(select cast(count(*) as varchar) from information_schema.columns"
    " where table_name = 'customer') as name"
)
RIGHT = SHOP.replace("        loaded_at: updated_at\n", "")


def evolved(root: Path, worker: DbtWorker, text: str, **changes: Change) -> Checked:
    generated: Generated = write(text, root, {f"{n}.sql": c for n, c in changes.items()})
    s = generated.subject
    built = build(
        s.loaded, s.artifacts, project=s.project, database=s.database, roots=s.roots,
        worker=worker, now=NOW, others={}, progress=lambda _: None,
    )  # fmt: skip
    assert built.report.ok, built.report
    bench = Bench(s.loaded, {}, s.database, worker, built.project, "full", frozenset(), print)
    return check_evolution(bench, model_names(s.artifacts), NOW)


def test_compiled_code_stands_columns_more_wider_and_less(
    tmp_path: Path, worker: DbtWorker
) -> None:
    found = evolved(tmp_path, worker, RIGHT)
    assert not found.findings
    assert found.runs == 3
    assert [n for n in found.not_run if n.startswith("shop.order: that its extract does freeze")]


def test_code_that_counts_the_columns_is_found(tmp_path: Path, worker: DbtWorker) -> None:
    found = evolved(tmp_path, worker, RIGHT, stg_customer=sub("trim(name) as name", COUNTED))
    said = {(f.code, f.subject): f.message for f in found.findings}
    assert "when its sources have one more column" in said["PRO009", "stg_customer"]


@pytest.mark.parametrize("policy", ["evolve", "freeze"])
def test_a_type_that_follows_its_source_stops_the_build_only_where_the_policy_says_so(
    policy: str, tmp_path: Path, worker: DbtWorker
) -> None:
    text = RIGHT.replace(
        "        primary_key: [order_id]\n",
        f"        primary_key: [order_id]\n        schema_contract: {{data_type: {policy}}}\n",
        1,
    )
    found = evolved(tmp_path, worker, text)
    assert not [f for f in found.findings if f.code == "PRO009"], found.findings
    stopped = [n for n in found.not_run if n.startswith("values under wider types")]
    wrong = [f for f in found.findings if f.code == "PRO010"]
    assert not (wrong and stopped)
    if policy == "freeze":
        assert not wrong
