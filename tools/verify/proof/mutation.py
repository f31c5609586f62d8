"""The mutants tier: can the proof fail? Faults are planted, and rows made until they show."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from tools.artifact import Artifact
from tools.spec.load import LoadedSpec
from tools.verify.mutants.clock import Clock
from tools.verify.oracle.engine import Engine
from tools.verify.proof.agree import Case
from tools.verify.proof.beyond import REASONS
from tools.verify.proof.faults import merged, planted, try_faults, try_first, try_rest, waiting
from tools.verify.proof.fields import fields_of, judged_series
from tools.verify.proof.strength import Trial, strengths_of
from tools.verify.proof.tier import Proof, refute, rows_for

# Of the time: the first trial, rows for survivors, all rows; what is left is for shipped tests.
_FIRST, _GROWN, _TRIED = 0.5, 0.75, 0.88
_PLAIN_SHARE = 2  # no model that keeps nothing takes more than half of what is left


def mutants_tier(
    proof: Proof,
    loaded: LoadedSpec,
    artifacts: Sequence[Artifact],
    *,
    seconds: float,
    progress: Callable[[str], None],
) -> None:
    """Plants faults in every model on which the code is right, and sets the proof's strengths.

    Args:
        proof: after the oracle tier.
        loaded: the spec.
        artifacts: its code, for places.
        seconds: for all models together.
        progress: told what happens.
    """
    if proof.case is None:
        return
    started = time.monotonic()
    with Clock() as clock, _quiet():
        tier = _Tier(proof.case, proof, loaded, clock, progress)
        tier.first(started + seconds * _FIRST)
        tier.grow(started + seconds * _GROWN)
        tier.rest(started + seconds * _TRIED)
        tier.say_what_is_beyond()
        progress("mutants: the tests that the project ships")
        proof.trials = tier.trials
        proof.strengths |= strengths_of(proof, tier.trials, started + seconds, clock)
        with Engine() as engine:
            refute(proof, artifacts, engine, clock)  # by rows that were made for survivors


@contextmanager
def _quiet() -> Iterator[None]:
    """Faults make SQL that the parser warns of; nobody wants to read that."""
    log = logging.getLogger("sqlglot")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


@dataclass
class _Tier:
    """The faults of all models and what becomes of them."""

    case: Case
    proof: Proof
    loaded: LoadedSpec
    clock: Clock
    progress: Callable[[str], None]
    trials: dict[str, Trial] = field(default_factory=dict)

    def first(self, until: float) -> None:
        """Every model once; those that keep rows come last, as they take far longer."""
        fields = {
            name: [f for f in found if f.series]
            for name, found in fields_of(self.case, self.proof.runs).items()
            if name not in self.proof.refuted
        }
        self.trials = {name: [] for name in fields}
        faults = {(n, i): planted(f) for n, found in fields.items() for i, f in enumerate(found)}
        order = sorted(faults, key=lambda at: (fields[at[0]][at[1]].staged, len(faults[at])))
        for number, (name, index) in enumerate(order):
            place, some = fields[name][index], faults[name, index]
            self.progress(f"mutants: {name}, {len(some)} faults")
            now = time.monotonic()
            parts = len(order) - number if place.staged else _PLAIN_SHARE
            found = try_first(place, some, now + (until - now) / parts, self.clock)
            self.trials[name].append((place, found))

    def grow(self, until: float) -> None:
        """Rows made for one model alone, judged as the first ones were, for what survives.

        What the model reads of other models is filled directly, within what the spec promises of
        it, so that nothing that stands before the model hides a fault in it.
        """
        for name, trial in self.trials.items():
            model = self.case.spec.model_named(name)
            left = sum(len(r.of("undecided")) for _, r in trial)
            if not left or model is None or time.monotonic() > until:
                continue
            self.progress(f"mutants: {name}, rows for {left} that survive")
            rows = rows_for(self.case.spec, self.loaded.digest, self.case.others, model.name)
            with Engine() as engine:
                runs = judged_series(self.case, rows, engine, self.clock, [name])
            self.proof.runs += runs
            fields = fields_of(self.case, runs, only=[name])[name]
            for index, (place, result) in enumerate(trial):
                some = [v.mutant for v in result.of("undecided")]
                if some and fields[index].series and time.monotonic() < until:
                    deadline = self._share(until, len(some))
                    later = try_faults(fields[index], some, deadline, self.clock)
                    trial[index] = (place, merged(result, later))

    def rest(self, until: float) -> None:
        """What has had no time, and what survives, on the rows that all models were judged on."""
        for trial in self.trials.values():
            for index, (place, found) in enumerate(trial):
                some = waiting(found)
                if some and time.monotonic() < until:
                    later = try_first(place, some, until, self.clock)
                    trial[index] = (place, merged(found, later))
        for trial in self.trials.values():
            for index, (place, result) in enumerate(trial):
                left = len(result.of("undecided"))
                if left and time.monotonic() < until:
                    later = try_rest(place, result, self._share(until, left), self.clock)
                    trial[index] = (place, later)

    def say_what_is_beyond(self) -> None:
        """Counts the surviving faults of histories that no rows can show."""
        for name, trial in self.trials.items():
            apart = sum(v.detail in REASONS for _, r in trial for v in r.of("not_tried"))
            if apart:
                self.proof.not_run.append(
                    f"mutants: {name}: {apart} faults in what its change log notes of itself, "
                    "which no rows show: they count as neither killed nor harmless"
                )

    def _share(self, until: float, count: int) -> float:
        """When some survivors have had their part of the time that is left."""
        now = time.monotonic()
        all_left = sum(len(r.of("undecided")) for t in self.trials.values() for _, r in t)
        return now + max(0.0, until - now) * count / max(1, all_left)
