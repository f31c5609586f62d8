"""Writes a decision into a spec."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tools.calls._files import unified
from tools.calls._spec_edit import Edited, edited, save
from tools.desk import Desk, ToolError, ToolResult

EFFECT = "write"


def remember(desk: Desk, path: str, what: str, why: str, who: str = "specmill") -> ToolResult:
    """Write a decision into a spec, so that the reason is known later. Comments stay.

    Args:
        path: The spec file, relative to the work tree.
        what: What was decided, in one sentence.
        why: The reason.
        who: Who decided; a person's name if a person did.
    """
    return save(desk, _decided(desk, path, what, why, who), "a decision")


def preview(desk: Desk, path: str, what: str, why: str, who: str = "specmill") -> str:
    """The change as a unified diff."""
    change = _decided(desk, path, what, why, who)
    return unified(change.path, change.file.plain, change.text)


def _decided(desk: Desk, path: str, what: str, why: str, who: str) -> Edited:
    entry = {"date": datetime.now(UTC).date(), "who": who, "what": what, "why": why}
    if path.endswith(".json"):
        entry["date"] = str(entry["date"])

    def change(data: Any) -> None:
        decisions = data.setdefault("decisions", [])
        if not isinstance(decisions, list):
            raise ToolError(f"decisions in {path} holds no list.")
        known = [(d.get("what"), d.get("why")) for d in decisions if isinstance(d, dict)]
        if (what, why) not in known:
            decisions.append(entry)

    return edited(desk, path, change)
