"""What never runs, whoever allows it; and what looks alike and is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agent.denials import denied
from tests.cases import each
from tools.commands import parse


@each(Path(__file__).parent / "cases" / "denials.yaml", name="text")
def test_denials(case: dict[str, Any], tmp_path: Path) -> None:
    text = (
        case["text"].replace("{root}", str(tmp_path)) if "{root}" in case["text"] else case["text"]
    )
    why = denied(parse(text), tmp_path)
    if case["why"]:
        assert case["why"] in why
    else:
        assert why == ""
