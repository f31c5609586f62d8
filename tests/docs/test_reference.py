"""The reference pages say what the code says."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from agent.cli import cli
from docs.build import ROOT
from docs.reference import cli_page, helps, lint_page, rules_page
from tools.rules.load import load_constitution
from tools.rules.registry import registered


@pytest.mark.parametrize("words", ["", "run", "constitution test"])
def test_the_help_on_the_page_is_what_is_printed_on_80_columns(words: str) -> None:
    argv = [sys.executable, "-m", "agent", *words.split(), "--help"]
    environment = {**os.environ, "COLUMNS": "80"}
    done = subprocess.run(
        argv, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    printed = "\n".join(line.rstrip() for line in done.stdout.splitlines())
    assert dict(helps(cli))[f"specmill {words}".strip()] == printed


def test_every_command_has_a_section() -> None:
    page = cli_page(cli)
    for name in cli.commands:
        assert f"\n## specmill {name}\n" in page
    assert "\n## specmill constitution test\n" in page


def test_every_rule_and_every_check_is_on_the_page() -> None:
    constitution = load_constitution(ROOT / "constitution")
    page = rules_page(constitution)
    for rule in constitution.rules:
        assert f"| {rule.id} | {rule.level} | {rule.on} |" in page
    for name, check in registered().items():
        assert f"\n### {name}\n" in page
        assert check.summary.replace("``", "`") in page


def test_a_pipe_does_not_end_a_cell() -> None:
    page = lint_page({"SPEC001": "this | that"})
    assert "| SPEC001 | this \\| that |" in page
