"""Secrets are taken out, references to them and digests are not, and a second look finds none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cases import each
from tools.secrets import known_secrets, redact

CASES = Path(__file__).parent / "cases" / "secrets.yaml"
REPO = Path(__file__).resolve().parents[2]


@each(CASES)
def test_case(case: dict[str, Any]) -> None:
    expected = case.get("gives", case["text"])
    assert redact(case["text"]) == expected
    assert redact(expected) == expected


@given(st.text(alphabet="pasword_key=:\"' \n{}-ab1", max_size=80))
def test_a_second_look_changes_nothing(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


@pytest.mark.parametrize("folder", ["workflows", "specs", "agent", "tools/generate"])
def test_our_own_files_hold_none(folder: str) -> None:
    for file in (REPO / folder).rglob("*"):
        if file.suffix in {".py", ".md", ".yaml", ".sql"}:
            text = file.read_text(encoding="utf-8")
            assert redact(text) == text, file


def test_values_of_the_environment_go_wherever_they_stand() -> None:
    known = known_secrets(
        {"ANTHROPIC_API_KEY": "not-shaped-like-one", "HOME": "/home/you/ada-lovelace"}
    )
    assert known == ("not-shaped-like-one",)
    text = redact("it said: not-shaped-like-one!", known)
    assert text == "it said: [redacted: a secret of the environment]!"
