"""What became of the faults of each model: told apart by the proof, and by the shipped tests."""

from __future__ import annotations

from collections.abc import Sequence

from tools.verify.mutants.verdict import MutationResult
from tools.verify.outcome import Strength, Survivor
from tools.verify.proof.beyond import REASONS
from tools.verify.proof.faults import Field
from tools.verify.proof.jobs import Heard

_SHOWN = 20

Trial = list[tuple[Field, MutationResult]]
"""The units of a model, each with what became of its faults."""


def strength_of(name: str, results: Sequence[MutationResult], heard: Sequence[Heard]) -> Strength:
    """What became of the faults of a model, in numbers.

    Args:
        name: of the model.
        results: of its units.
        heard: what the shipped tests notice, likewise.
    """
    if not results:
        return Strength(name, problem="no data set on which the code is shown to be right")
    seen, more = [h.noticed for h in heard], [h.proposed for h in heard]
    tallies = [r.tally for r in results]
    survivors = [v for r in results for v in r.of("undecided")]
    caught = sum(len(s.caught) for s in seen)
    beyond = sum(v.detail in REASONS for r in results for v in r.of("not_tried"))
    return Strength(
        name,
        killed=sum(t.killed for t in tallies),
        undecided=sum(t.undecided for t in tallies),
        equivalent=sum(t.equivalent for t in tallies),
        not_tried=sum(t.not_tried for t in tallies) - beyond,
        beyond=beyond,
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
