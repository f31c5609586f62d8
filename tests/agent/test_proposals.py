"""Proposed unit tests go to a file of their own, never into the project."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from agent.proposals import propose, with_proposals
from agent.verifying import Verified
from tools.errors import UsageError
from tools.findings import Report
from tools.verify.outcome import Outcome, Strength
from tools.workspace import Workspace

ITEM = "  - name: {}_case_1\n    model: {}\n"
OUTCOME = Outcome(
    Report(),
    strengths=tuple(Strength(n, proposed=1, proposal=ITEM.format(n, n)) for n in ("a", "b")),
)


def names(file: Path) -> list[str]:
    return [t["name"] for t in YAML(typ="safe").load(file.read_text())["unit_tests"]]


def test_proposals_of_all_models_are_one_file_of_dbt(tmp_path: Path) -> None:
    verified = with_proposals(Verified("shop", ".", OUTCOME), Workspace(tmp_path), None)
    assert verified.proposals == ".specmill/proposals/shop.yml"
    assert verified.to_json()["proposals"] == verified.proposals
    assert names(tmp_path / verified.proposals) == ["a_case_1", "b_case_1"]


def test_nothing_is_written_when_nothing_is_proposed(tmp_path: Path) -> None:
    assert propose(Workspace(tmp_path), "shop", Outcome(Report()), tmp_path / "x.yml") == ""
    assert not list(tmp_path.iterdir())


def test_a_file_that_was_asked_for_is_written_again_but_not_over_something_else(
    tmp_path: Path,
) -> None:
    file = tmp_path / "models" / "proposed.yml"
    for _ in range(2):
        assert propose(Workspace(tmp_path), "shop", OUTCOME, file) == "models/proposed.yml"
    file.write_text("version: 2\nmodels: []\n")
    with pytest.raises(UsageError, match="something else"):
        propose(Workspace(tmp_path), "shop", OUTCOME, file)
    assert file.read_text() == "version: 2\nmodels: []\n"


def test_a_file_outside_of_the_workspace_is_called_as_it_was_named(tmp_path: Path) -> None:
    file = tmp_path / "elsewhere.yml"
    assert propose(Workspace(tmp_path / "w"), "shop", OUTCOME, file) == str(file)
