"""The JSON Schemas of what a constitution's files hold."""

from __future__ import annotations

from typing import Any

from tools.rules.read import GateBlock, RuleBlock
from tools.rules.waivers import WaiverEntry


def constitution_schema() -> dict[str, Any]:
    """JSON Schemas by name: ``rule`` and ``gate`` blocks, and ``waivers.yaml``."""
    entry = WaiverEntry.model_json_schema()
    return {
        "rule": RuleBlock.model_json_schema(by_alias=True),
        "gate": GateBlock.model_json_schema(),
        "waivers": {"type": ["array", "null"], "items": entry},
    }
