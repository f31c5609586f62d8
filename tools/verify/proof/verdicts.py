"""From what was seen on the data sets to a verdict for every column, and the findings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tools.findings import Finding, Location, Severity
from tools.spec.scope import surrogate_key, table_columns
from tools.spec.transform import Model
from tools.verify.outcome import Strength, Verdict
from tools.verify.proof.agree import Case, Judged, key_of, subjects_of
from tools.verify.proof.fields import Run
from tools.verify.proof.shown import row_count, witness_text

_WRONG = ("differs", "fails")
NONE_KNOWN: Mapping[str, Sequence[Verdict]] = {}


@dataclass(frozen=True)
class Refuted:
    """A unit that is wrong: the fewest rows that show it, and what they give."""

    name: str
    run: Run
    judged: Judged

    @property
    def rows(self) -> int:
        """How many rows go in."""
        return row_count(self.run.scenario.batches)


def wrong_runs(runs: Sequence[Run]) -> dict[str, Run]:
    """The first run on which each unit that is wrong is wrong; smaller inputs come first."""
    found: dict[str, Run] = {}
    for run in sorted(runs, key=lambda r: (len(r.scenario.batches), row_count(r.scenario.batches))):
        for name, judged in run.judged.items():
            if judged.state in _WRONG:
                found.setdefault(name, run)
    return found


def finding_of(case: Case, refuted: Refuted, place: Location | None) -> Finding:
    """What is wrong, with the rows that show it."""
    judged = refuted.judged
    model = case.spec.model_named(refuted.name)
    key = key_of(model) if model else ()
    evidence = witness_text(refuted.run.scenario.batches, judged.found, judged.reason, key)
    columns = sorted(judged.found.values) if judged.found else []
    rows = f"{refuted.rows} row{'' if refuted.rows == 1 else 's'}"
    if judged.state == "fails":
        return Finding(
            "PROOF002", Severity.ERROR,
            f"{refuted.name} fails on {rows} for which the spec has an answer: {judged.reason}",
            place, "make the code hold for such rows", evidence, refuted.name,
        )  # fmt: skip
    subject = f"{refuted.name}.{columns[0]}" if len(columns) == 1 else refuted.name
    return Finding(
        "PROOF001", Severity.ERROR,
        f"{refuted.name} does not give what the spec says, shown on {rows}: {judged.reason}",
        place, "follow the rows by hand: change the code, or the spec where that is wrong",
        evidence, subject,
    )  # fmt: skip


def verdicts_of(
    case: Case,
    runs: Sequence[Run],
    refuted: Mapping[str, Refuted],
    strengths: Mapping[str, Strength],
    known: Mapping[str, Sequence[Verdict]] = NONE_KNOWN,
) -> tuple[Verdict, ...]:
    """A verdict for every column of every model of the spec.

    Args:
        case: what was proved.
        runs: what was seen.
        refuted: units that are wrong, by name.
        strengths: what became of planted faults, by model.
        known: verdicts of a former run on models that are as they were, by name.
    """
    found: list[Verdict] = []
    there = subjects_of(case).models
    for model in case.spec.models:
        name = next((n for n, m in there.items() if m is model), "")
        columns = [c.name for c in table_columns(case.spec, model, case.others)]
        if not name:
            found += [
                Verdict(model.name, c, "UNVERIFIED", reason="there is no code") for c in columns
            ]
            continue
        if name in known:
            found += known[name]
            continue
        seen = [j for r in runs if (j := r.judged.get(name)) is not None]
        strength = strengths.get(name)
        found += [
            _verdict(model, c, seen, refuted.get(name), strength)
            for c in columns
            if not c.startswith("_")
        ]
    return tuple(found)


def _verdict(
    model: Model,
    column: str,
    seen: Sequence[Judged],
    refuted: Refuted | None,
    strength: Strength | None,
) -> Verdict:
    agreed = sum(j.state == "same" for j in seen)
    if model.load.strategy == "scd2" and column.lower() == surrogate_key(model).lower():
        why = "the spec does not say how it is made"
        return Verdict(model.name, column, "UNVERIFIED", reason=why)
    if refuted is not None and _touches(refuted.judged, column):
        found = refuted.judged
        text = witness_text(refuted.run.scenario.batches, found.found, found.reason, key_of(model))
        return Verdict(model.name, column, "REFUTED", agreed, reason=found.reason, witness=text)
    if refuted is not None:
        agreed = sum(j.state == "same" or not _touches(j, column) for j in seen)
    if not agreed:
        return Verdict(model.name, column, "UNVERIFIED", reason=_why(seen))
    killed = strength.rate if strength else None
    return Verdict(model.name, column, "TESTED", agreed, killed)


def _touches(judged: Judged, column: str) -> bool:
    """Whether a column is concerned: it differs itself, or whole rows do."""
    if judged.state != "differs" or judged.found is None:
        return True
    return judged.found.rows_differ or judged.found.touches(column)


def _why(seen: Sequence[Judged]) -> str:
    """The reason that came most often."""
    reasons = Counter(j.reason for j in seen if j.reason)
    return reasons.most_common(1)[0][0] if reasons else "no data set could be made for it"
