"""What was shown of each column, for the review page. Pure.

Rates are given in coarse steps: how many faults are tried depends on the machine, and the page is
not to change with that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tools.review.tables import code, codes, count, fenced, prose, table

_STEPS = (0.99, 0.95, 0.9, 0.75, 0.5)
_SHOWN = 10


def proof(outcome: Mapping[str, Any]) -> Iterator[str]:
    """The verdicts by model, what is refuted or not verified, and the faults that survive.

    Args:
        outcome: the JSON of ``tools.verify.outcome.Outcome``.
    """
    verdicts: Sequence[Mapping[str, Any]] = outcome.get("verdicts", ())
    if not verdicts:
        return
    strengths = {s["model"]: s for s in outcome.get("strengths", ())}
    heads = ("model", "verdict", "on") + (("planted faults told apart",) if strengths else ())
    rows = []
    for model in dict.fromkeys(v["model"] for v in verdicts):
        mine = [v for v in verdicts if v["model"] == model]
        row = (code(model), _kinds(mine), _datasets(mine))
        rows.append((*row, _rate(strengths.get(model))) if strengths else row)
    yield (
        "Each column was held against an independent reading of the spec, on rows made to tell "
        "right code from wrong."
    )
    yield table(heads, rows)
    yield from _others(verdicts)
    yield from _witnesses(verdicts)


def _kinds(verdicts: Sequence[Mapping[str, Any]]) -> str:
    parts = []
    for kind in ("REFUTED", "TESTED", "UNVERIFIED"):
        number = sum(v["kind"] == kind for v in verdicts)
        if number:
            name = f"**{kind}**" if kind == "REFUTED" else kind
            parts.append(f"{name} {count(number, 'column')}")
    return ", ".join(parts)


def _datasets(verdicts: Sequence[Mapping[str, Any]]) -> str:
    tested = [int(v["datasets"]) for v in verdicts if v["kind"] == "TESTED"]
    return count(min(tested), "data set") if tested else ""


def _rate(strength: Mapping[str, Any] | None) -> str:
    tried = strength["killed"] + strength["undecided"] if strength else 0
    if strength is None or not tried:
        return "none tried"
    rate = strength["killed"] / tried
    step = next((s for s in _STEPS if rate >= s), None)
    return f"at least {step:.0%}" if step else "under 50%"


def _others(verdicts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Columns of which nothing was shown, by reason."""
    reasons: dict[str, list[str]] = {}
    for verdict in verdicts:
        if verdict["kind"] == "UNVERIFIED":
            name = f"{verdict['model']}.{verdict['column']}"
            reasons.setdefault(verdict["reason"], []).append(name)
    lines = [f"- {codes(names)}: {prose(reason)}" for reason, names in reasons.items()]
    if lines:
        yield "Not verified:"
        yield "\n".join(lines)


def _witnesses(verdicts: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    texts = {v["witness"]: v["model"] for v in verdicts if v["witness"]}
    for text, model in list(texts.items())[:_SHOWN]:
        yield f"{code(model)} is refuted:"
        yield fenced(text)
