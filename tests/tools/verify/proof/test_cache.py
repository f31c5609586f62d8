"""Verdicts kept by content."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.tools.verify.specs import spec
from tools.findings import Finding, Location, Report, Severity
from tools.verify.outcome import NodeResult, Outcome, Strength, Survivor, Verdict
from tools.verify.proof.cache import Kept, Passed, data_of, key_of, load, save, state_of

TEXT = "pipeline: p\nsources: []\nmodels: []\n"
DOUBT = Finding("X002", Severity.WARNING, "doubtful", Location("a.yaml", 1))
KEPT = Kept(
    "full",
    "data",
    "built",
    {"build": Passed("2026-06-01T12:00:00Z", "1 model built", Report.of([DOUBT]), ("this",))},
    (NodeResult("m", "model", "success", 0.1, "", "m"),),
    (Verdict("m", "id", "TESTED", 3, 0.5),),
    (Strength("m", killed=1, undecided=1, survivors=(Survivor("literal", "1 becomes 2", "-1"),)),),
)
SHOP = """
pipeline: p
sources:
  - {name: s, system: test, tables: [{name: t, columns: [{name: id, type: bigint}]}]}
models: []
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "generated" / "dbt"
    (root / "models").mkdir(parents=True)
    (root / "models" / "m.sql").write_text("select 1 as id")
    return root


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    save(tmp_path, "p", "key", KEPT)
    assert load(tmp_path, "p", "key") == KEPT


def test_another_key_gives_nothing(tmp_path: Path) -> None:
    save(tmp_path, "p", "key", KEPT)
    assert load(tmp_path, "p", "other") is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: "{",
        lambda text: "[]",
        lambda text: '{"key": "key"}',
        lambda text: text.replace('"TESTED"', '"REFUTED"'),
    ],
)
def test_a_damaged_file_counts_as_none(tmp_path: Path, damage: Callable[[str], str]) -> None:
    save(tmp_path, "p", "key", KEPT)
    file = tmp_path / "proof" / "p.json"
    file.write_text(damage(file.read_text()))
    assert load(tmp_path, "p", "key") is None


def test_source_data_count(tmp_path: Path) -> None:
    loaded = spec(SHOP)
    found = [data_of([loaded], [tmp_path])]
    (tmp_path / "data").mkdir()
    for text in ("id\n1\n", "id\n2\n"):
        (tmp_path / "data" / "t.csv").write_text(text)
        found.append(data_of([loaded], [tmp_path]))
    assert len(set(found)) == 3
    assert data_of([loaded], [tmp_path]) == found[-1]


def test_a_database_that_somebody_wrote_to_is_another(tmp_path: Path) -> None:
    database = tmp_path / "p.duckdb"
    assert state_of(database, "data", "2026-06-01") == ""
    database.write_text("rows")
    first = state_of(database, "data", "2026-06-01")
    assert first == state_of(database, "data", "2026-06-01")
    assert first != state_of(database, "other", "2026-06-01")
    assert first != state_of(database, "data", "2026-06-02")
    database.write_text("more rows")
    assert first != state_of(database, "data", "2026-06-01")


def test_the_key_follows_code_spec_and_custom_code(project: Path, tmp_path: Path) -> None:
    loaded = spec(TEXT)
    keys = [key_of([loaded], project)]
    (project / "models" / "m.sql").write_text("select 2 as id")
    keys.append(key_of([loaded], project))
    (tmp_path / "custom").mkdir()
    (tmp_path / "custom" / "c.sql").write_text("select 3")
    keys.append(key_of([loaded], project))
    keys.append(key_of([spec(TEXT + "owner: me\n")], project))
    assert len(set(keys)) == 4
    (project / "target").mkdir()
    (project / "target" / "m.sql").write_text("select 1")
    assert key_of([spec(TEXT + "owner: me\n")], project) == keys[-1]


def test_an_outcome_of_before_can_be_read() -> None:
    data = Outcome.from_json({"report": [], "tiers": [], "nodes": [], "not_run": []})
    assert data.verdicts == ()
    assert data.strengths == ()
