"""What was shown of each column, for the review page. Pure.

Rates are given in coarse steps: how many faults are tried depends on the machine, and the page is
not to change with that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tools.review.tables import code, codes, count, fenced, prose, table

_STEPS = (0.99, 0.95, 0.9, 0.75, 0.5, 0.25, 0.1)
_SHOWN = 10
_SURVIVORS = 3


def proof(outcome: Mapping[str, Any]) -> Iterator[str]:
    """The verdicts by model, what is refuted or not verified, and the faults that survive.

    Args:
        outcome: the JSON of ``tools.verify.outcome.Outcome``.
    """
    verdicts: Sequence[Mapping[str, Any]] = outcome.get("verdicts", ())
    if not verdicts:
        return
    strengths = {s["model"]: s for s in outcome.get("strengths", ())}
    faults = ("faults told apart", "noticed by the tests", "with proposed tests")
    heads = ("model", "verdict", "on") + (faults if strengths else ())
    rows = []
    for model in dict.fromkeys(v["model"] for v in verdicts):
        mine = [v for v in verdicts if v["model"] == model]
        row = (code(model), _kinds(mine), _datasets(mine))
        rows.append((*row, *_rates(strengths.get(model))) if strengths else row)
    yield (
        "Each column was held against an independent reading of the spec, on rows made to tell "
        "right code from wrong."
    )
    yield table(heads, rows)
    yield from _others(verdicts)
    yield from _witnesses(verdicts)
    yield from _survivors(strengths)


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


def _rates(strength: Mapping[str, Any] | None) -> tuple[str, str, str]:
    """The share of planted faults that the proof, the tests, and more tests tell from the code."""
    if strength is None:
        return "none tried", "", ""
    killed, held = strength["killed"], strength["shipped_tried"]
    more = _step(strength["proposed_killed"], held) if strength["proposed"] else ""
    own = _step(strength["shipped_killed"], held) if held else ""
    return _step(killed, killed + strength["undecided"]), own, more


def _step(part: int, whole: int) -> str:
    if not whole:
        return "none tried"
    step = next((s for s in _STEPS if part / whole >= s), None)
    return f"at least {step:.0%}" if step else f"under {_STEPS[-1]:.0%}"


def _survivors(strengths: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Faults that nothing tells from the code, where that does not hang on the time there was."""
    for model, strength in strengths.items():
        if strength["not_tried"]:
            continue
        for survivor in strength["survivors"][:_SURVIVORS]:
            yield f"A fault in {code(model)} that survives: {prose(survivor['description'])}"
            yield fenced(survivor["diff"], "diff")


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
