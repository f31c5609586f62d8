"""What a registered check says when a rule is broken, and the base of its options."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from tools.findings import Fix, Location


class Options(BaseModel):
    """What ``with:`` may say; unknown keys are errors. A check without options uses it as is."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class Breach:
    """A rule is broken here.

    Args:
        message: what is wrong, one sentence.
        hint: what to do about it.
        location: where, when the item's own place is not it.
        subject: what it is about, when that is more precise than the item.
        evidence: lines that show it.
        fix: a deterministic repair, where there is one.
    """

    message: str
    hint: str = ""
    location: Location | None = None
    subject: str = ""
    evidence: str = ""
    fix: Fix | None = None
