"""What was shown of a dbt project without a spec, in a form that can be stored and shown."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from tools.findings import Report
from tools.verify.outcome import Strength, Tier

Holding = Literal["TESTED", "REFUTED", "UNVERIFIED"]

NEEDS_SPEC = "needs a spec"


@dataclass(frozen=True)
class Claim:
    """Something that can be said of a model without knowing what it is meant to be.

    Args:
        name: ``runs``, ``same when run again``, ``incremental = full refresh``, ``values``.
        kind: how strongly it is shown.
        datasets: on how many data sets it held.
        reason: why it is not shown, or what is wrong.
        witness: the rows that show what is wrong.
    """

    name: str
    kind: Holding
    datasets: int = 0
    reason: str = ""
    witness: str = ""


@dataclass(frozen=True)
class ColumnFaults:
    """What faults do to a column, and whether the project's tests would notice.

    Args:
        name: of the column.
        stable: whether its values were the same whatever the order of the rows.
        changed_by: faults that change its values.
        noticed: how many of these the project's tests notice.
        kind: of its values: always ``UNVERIFIED``.
        reason: why.
    """

    name: str
    stable: bool = True
    changed_by: int = 0
    noticed: int = 0
    kind: Holding = "UNVERIFIED"
    reason: str = NEEDS_SPEC


@dataclass(frozen=True)
class ModelReport:
    """A model of the project.

    Args:
        name: of it.
        path: of its file, relative to the project.
        materialized: dbt's word.
        claims: what was shown.
        columns: of its result.
        strength: what became of planted faults; None when none was planted.
        types: where the types of what it reads are from, by relation.
        not_run: what was not checked, and why.
        seconds: how long it took.
    """

    name: str
    path: str
    materialized: str
    claims: tuple[Claim, ...] = ()
    columns: tuple[ColumnFaults, ...] = ()
    strength: Strength | None = None
    types: tuple[tuple[str, str], ...] = ()
    not_run: tuple[str, ...] = ()
    seconds: float = 0.0

    def claim(self, name: str) -> Claim | None:
        """The claim of that name."""
        return next((c for c in self.claims if c.name == name), None)


@dataclass(frozen=True)
class ProjectReport:
    """The whole of it; ``needs_spec`` lists what cannot be shown without one.

    Args:
        project: the folder, as it was named.
        name: of the project.
        platform: what its profile is for; empty when it has none.
        models: those that were asked for.
        report: what is wrong, or worth knowing.
        notes: how it was done.
        tiers: seconds by tier.
        needs_spec: claims that no code can be held against without a spec.
        tests: how many data tests and unit tests the project has for these models.
    """

    project: str
    name: str
    platform: str
    models: tuple[ModelReport, ...]
    report: Report
    notes: tuple[str, ...] = ()
    tiers: tuple[Tier, ...] = ()
    needs_spec: tuple[str, ...] = ()
    tests: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing is shown to be wrong."""
        return self.report.ok

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return {**asdict(self), "ok": self.ok, "report": self.report.to_json()}
