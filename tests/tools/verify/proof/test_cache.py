"""Verdicts kept by content."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools.verify.specs import spec
from tools.verify.outcome import Outcome, Strength, Survivor, Verdict
from tools.verify.proof.cache import Kept, key_of, load, save

TEXT = "pipeline: p\nsources: []\nmodels: []\n"
KEPT = Kept(
    (Verdict("m", "id", "TESTED", 3, 0.5),),
    (Strength("m", killed=1, undecided=1, survivors=(Survivor("literal", "1 becomes 2", "-1"),)),),
    3,
)


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


@pytest.mark.parametrize("text", ["", "{", "[]", '{"key": "key"}'])
def test_a_damaged_file_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "proof").mkdir()
    (tmp_path / "proof" / "p.json").write_text(text)
    assert load(tmp_path, "p", "key") is None


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
