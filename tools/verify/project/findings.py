"""From what was shown of a model to findings."""

from __future__ import annotations

from collections.abc import Iterator

from tools.findings import Finding, Location, Severity
from tools.verify.project.report import Claim, ModelReport

_CODES = {
    "runs": ("PROJ010", Severity.WARNING, "say what is to become of such rows, or filter them"),
    "same when run again": (
        "PROJ011", Severity.WARNING, "order by something that tells the rows apart",
    ),
    "same loaded twice": (
        "PROJ012", Severity.ERROR, "give the model a unique_key, or filter what is loaded already",
    ),
    "incremental = full refresh": (
        "PROJ013", Severity.ERROR, "look at what the incremental filter leaves out",
    ),
    "a table that begins empty": (
        "PROJ016", Severity.WARNING, "compare with coalesce(max(...), a moment before all)",
    ),
    "rows of the newest moment": (
        "PROJ014", Severity.WARNING, "compare with >= and give the model a unique_key",
    ),
    "late rows": ("PROJ015", Severity.WARNING, "look back some days, or say that none come late"),
}  # fmt: skip


def findings_of(model: ModelReport) -> Iterator[Finding]:
    """What is wrong with a model, or worth knowing."""
    for claim in model.claims:
        if claim.kind == "REFUTED":
            yield _refuted(model, claim)
    stopped = model.claim("runs")
    if stopped is not None and stopped.kind == "UNVERIFIED" and model.materialized != "ephemeral":
        yield Finding(
            "PROJ003", Severity.NOTE, f"{model.name} could not be tried: {stopped.reason}",
            Location(model.path), subject=model.name,
        )  # fmt: skip
    strength = model.strength
    if strength and strength.shipped_tried and not strength.shipped_killed:
        yield Finding(
            "PROJ020", Severity.WARNING,
            f"no test of the project notices any of the {strength.shipped_tried} faults that "
            f"change {model.name}",
            Location(model.path), "test the columns that faults change", subject=model.name,
        )  # fmt: skip


def _refuted(model: ModelReport, claim: Claim) -> Finding:
    code, severity, hint = _CODES[claim.name]
    said = {"runs": f"{model.name} fails on some rows: {claim.reason}"}
    message = said.get(claim.name, f"{model.name}: {claim.reason}")
    return Finding(code, severity, message, Location(model.path), hint, claim.witness, model.name)
