"""What every check returns: findings, and reports that collect them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How much a finding weighs, heaviest first."""

    ERROR = "error"
    """Stops the run: exit code 1."""
    QUESTION = "question"
    """Ambiguous: built on the development database with an assumption; blocks production."""
    WARNING = "warning"
    NOTE = "note"
    """Says what was normalised or assumed; asks for nothing."""


_WEIGHT = {severity: weight for weight, severity in enumerate(Severity)}


@dataclass(frozen=True, order=True)
class Location:
    """A place in a file; line and column count from 1, 0 means unknown."""

    path: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        parts = [self.path, *(str(n) for n in (self.line, self.column) if n)]
        return ":".join(parts)


@dataclass(frozen=True)
class Fix:
    """A deterministic repair: ``kind`` names a fixer, the rest is its input (JSON scalars only)."""

    kind: str
    path: str
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """One thing that a check has to say.

    Args:
        code: stable identifier such as ``SPEC012`` or ``A2.R1``.
        severity: see :class:`Severity`.
        message: what is wrong, one or two sentences.
        location: where, if it is somewhere.
        hint: what to do about it.
        evidence: lines that show it: rows, compiled SQL, a diff.
        subject: what it is about, such as ``dim_order.status``.
        fix: a deterministic repair, where there is one.
    """

    code: str
    severity: Severity
    message: str
    location: Location | None = None
    hint: str = ""
    evidence: str = ""
    subject: str = ""
    fix: Fix | None = None

    def __str__(self) -> str:
        where = f"{self.location}: " if self.location else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{where}{self.severity} {self.code} {self.message}{hint}"

    def at(self, location: Location | None) -> Finding:
        """The same finding at another place."""
        return replace(self, location=location)

    def to_json(self) -> dict[str, Any]:
        """A JSON object; ``from_json`` reads it back."""
        return {**asdict(self), "severity": self.severity.value}

    @staticmethod
    def from_json(data: dict[str, Any]) -> Finding:
        """The inverse of ``to_json``."""
        location, fix = data.get("location"), data.get("fix")
        return Finding(
            **{
                **data,
                "severity": Severity(data["severity"]),
                "location": Location(**location) if location else None,
                "fix": Fix(**fix) if fix else None,
            }
        )


def _order(finding: Finding) -> tuple[int, Location, str, str]:
    where = finding.location or Location("")
    return (_WEIGHT[finding.severity], where, finding.code, finding.message)


@dataclass(frozen=True)
class Report:
    """An ordered, duplicate-free collection of findings."""

    findings: tuple[Finding, ...] = ()

    @staticmethod
    def of(findings: Iterable[Finding]) -> Report:
        """Findings sorted by weight and place, each once."""
        unique = {str((f.code, f.location, f.message, f.subject)): f for f in findings}
        return Report(tuple(sorted(unique.values(), key=_order)))

    def __add__(self, other: Report) -> Report:
        return Report.of((*self.findings, *other.findings))

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def of_severity(self, severity: Severity) -> tuple[Finding, ...]:
        """The findings of one severity."""
        return tuple(f for f in self.findings if f.severity is severity)

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that stop a run."""
        return self.of_severity(Severity.ERROR)

    @property
    def questions(self) -> tuple[Finding, ...]:
        """The findings that a person has to answer before production."""
        return self.of_severity(Severity.QUESTION)

    @property
    def ok(self) -> bool:
        """Whether nothing stops the run."""
        return not self.errors

    def to_json(self) -> list[dict[str, Any]]:
        """A JSON array of findings."""
        return [f.to_json() for f in self.findings]

    @staticmethod
    def from_json(data: Iterable[dict[str, Any]]) -> Report:
        """The inverse of ``to_json``."""
        return Report.of(Finding.from_json(item) for item in data)
