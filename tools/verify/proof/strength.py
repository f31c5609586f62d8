"""What became of the faults of each model: told apart by the proof, and by the shipped tests."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from tools.verify.mutants.clock import Clock
from tools.verify.mutants.verdict import MutationResult
from tools.verify.outcome import Strength, Survivor
from tools.verify.proof.agree import Case
from tools.verify.proof.faults import Field
from tools.verify.proof.fields import Run, usable_runs
from tools.verify.proof.proposals import Proposed, proposed
from tools.verify.proof.shipped import Noticed, changing_rows, noticed
from tools.verify.proof.tier import Proof

TEST_SECONDS = 8.0
"""What the shipped tests have at least, for one spec."""

PROPOSE_SECONDS = 5.0
"""How long unit tests are looked for, for one spec."""

_SHOWN = 20

Trial = list[tuple[Field, MutationResult]]
"""The units of a model, each with what became of its faults."""


def strengths_of(
    proof: Proof, trials: Mapping[str, Trial], until: float, clock: Clock
) -> dict[str, Strength]:
    """Runs the shipped tests on the faults of each model, then proposes tests where they are weak.

    Args:
        proof: after faults were tried.
        trials: by model.
        until: of ``time.monotonic()``: when the shipped tests are to be done.
        clock: stops queries that run too long.
    """
    case = proof.case
    if case is None:
        return {}
    trials = dict(sorted(trials.items(), key=lambda t: any(p.staged for p, _ in t[1])))
    runs = {n: _right(case, n, proof.runs) for n in trials}
    seen: dict[str, list[Noticed]] = {}
    until = max(until, time.monotonic() + TEST_SECONDS)
    for number, (name, trial) in enumerate(trials.items()):
        deadline = _share(until, len(trials) - number)
        seen[name] = [
            noticed(
                case, place.chain, changing_rows(result.verdicts), runs[name],
                deadline=_share(deadline, len(trial) - at), clock=clock,
            )
            for at, (place, result) in enumerate(trial)
        ]  # fmt: skip
    end = time.monotonic() + PROPOSE_SECONDS
    found = {}
    for number, (name, trial) in enumerate(trials.items()):
        deadline = _share(end, len(trials) - number)
        more = [
            proposed(case, place, about, runs[name], _share(deadline, len(trial) - at))
            for at, ((place, _), about) in enumerate(zip(trial, seen[name], strict=True))
        ]
        found[name] = _strength(name, [r for _, r in trial], seen[name], more)
    return found


def _right(case: Case, name: str, runs: Sequence[Run]) -> list[Run]:
    model = case.spec.model_named(name)
    return usable_runs(model, name, runs) if model else []


def _share(until: float, parts: int) -> float:
    """When one of several parts has had its share of the time that is left."""
    now = time.monotonic()
    return now + max(0.0, until - now) / max(1, parts)


def _strength(
    name: str,
    results: Sequence[MutationResult],
    seen: Sequence[Noticed],
    more: Sequence[Proposed],
) -> Strength:
    """What became of the faults of a model, in numbers."""
    if not results:
        return Strength(name, problem="no data set on which the code is shown to be right")
    tallies = [r.tally for r in results]
    survivors = [v for r in results for v in r.of("undecided")]
    caught = sum(len(s.caught) for s in seen)
    return Strength(
        name,
        killed=sum(t.killed for t in tallies),
        undecided=sum(t.undecided for t in tallies),
        equivalent=sum(t.equivalent for t in tallies),
        not_tried=sum(t.not_tried for t in tallies),
        shipped_killed=caught,
        shipped_tried=sum(s.tried for s in seen),
        seconds=round(sum(r.seconds for r in results), 2),
        survivors=tuple(
            Survivor(v.mutant.operator, v.mutant.description, v.mutant.diff)
            for v in survivors[:_SHOWN]
        ),
        problem=next((r.problem for r in results if r.problem), ""),
        proposed_killed=caught + sum(p.kills for p in more),
        proposed=sum(len(p.tests) for p in more),
        proposal="".join(p.text for p in more),
    )
