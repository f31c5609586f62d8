"""One model proved, part by part, each with its seconds of the processor.

They mean the same on a machine that does other things as well.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tools.spec.load import LoadedSpec
from tools.verify.mutants.clock import Clock
from tools.verify.mutants.verdict import MutationResult
from tools.verify.oracle.engine import Engine
from tools.verify.proof.agree import Case
from tools.verify.proof.beyond import REASONS
from tools.verify.proof.faults import Field, planted, try_faults
from tools.verify.proof.fields import Run, fields_of, judged_series
from tools.verify.proof.tier import rows_for

PARTS = ("rows", "oracle", "faults")
_EVER = 1e9


@dataclass
class Proved:
    """What became of the faults of one model.

    Args:
        model: its name.
        trials: its units, each with what became of its faults.
        seconds: of the processor, by part.
        case: the code.
        runs: the rows that it was proved on, and how that was judged.
    """

    model: str
    trials: list[tuple[Field, MutationResult]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    case: Case | None = None
    runs: Sequence[Run] = ()

    def count(self, name: str) -> int:
        """Faults of all units by what became of them."""
        return sum(int(getattr(result.tally, name)) for _, result in self.trials)

    @property
    def beyond(self) -> int:
        """Faults that the claim does not cover."""
        found = (v for _, r in self.trials for v in r.of("not_tried"))
        return sum(v.detail in REASONS for v in found)

    @property
    def total(self) -> float:
        """All seconds."""
        return sum(self.seconds.values())


def prove(case: Case, loaded: LoadedSpec, name: str) -> Proved:
    """Makes rows for a model, holds it against the spec on them, and plants faults in it."""
    found = Proved(name, case=case)
    with Engine() as engine, Clock() as clock:
        with _timed(found, "rows"):
            rows = rows_for(loaded.spec, loaded.digest, case.others, name)
        with _timed(found, "oracle"):
            found.runs = judged_series(case, rows, engine, clock, [name])
        with _timed(found, "faults"):
            for place in fields_of(case, found.runs, only=[name])[name]:
                until = time.monotonic() + _EVER
                found.trials.append((place, try_faults(place, planted(place), until, clock)))
    return found


@contextlib.contextmanager
def _timed(found: Proved, part: str) -> Iterator[None]:
    started = time.process_time()
    yield
    found.seconds[part] = time.process_time() - started
