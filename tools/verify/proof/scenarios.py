"""Series of loads made of data sets: what a table that is added to or merged into has to stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tools.spec.model import Spec
from tools.verify.dataset import Dataset
from tools.verify.proof.engine import Batches


@dataclass(frozen=True)
class Scenario:
    """Loads in order, under a name for people."""

    name: str
    batches: Batches


def has_state(spec: Spec) -> bool:
    """Whether some model keeps rows from one load to the next."""
    return any(m.load.strategy != "full" for m in spec.models)


def single(datasets: Sequence[Dataset]) -> tuple[Scenario, ...]:
    """Each data set loaded once."""
    return tuple(Scenario(d.name or f"data set {i + 1}", (d,)) for i, d in enumerate(datasets))


def loads(sequences: Sequence[Sequence[Dataset]]) -> tuple[Scenario, ...]:
    """Data sets that come one after the other; the last one once more, as nothing may change."""
    return tuple(
        Scenario(f"loads {number}", (*sequence, sequence[-1]))
        for number, sequence in enumerate(sequences, 1)
    )
