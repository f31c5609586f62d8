"""The mutants tier: can the proof fail? Faults are planted, and rows made until they show.

The work is cut into jobs that are the same however many processes there are, and each is done by
one thread: what becomes of a fault does not depend on how many cores the machine has.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from tools.artifact import Artifact
from tools.spec.load import LoadedSpec
from tools.sql.mutate.mutant import Mutant
from tools.sql.quiet import without_warnings
from tools.verify.mutants.clock import Clock
from tools.verify.mutants.verdict import MutationResult
from tools.verify.oracle.engine import Engine
from tools.verify.proof.beyond import REASONS
from tools.verify.proof.faults import cut, joined, merged, planted, untried
from tools.verify.proof.jobs import Answer, Ground, Grow, Grown, Heard, Job, Notice, Plant, perform
from tools.verify.proof.pool import Lost, Pool, processes
from tools.verify.proof.reuse import recalled, remember
from tools.verify.proof.shipped import Noticed, changing_rows
from tools.verify.proof.strength import Trial, strength_of
from tools.verify.proof.tier import Proof, refute

TEST_SECONDS = 8.0
"""How long the shipped tests run, for one spec."""

PROPOSE_SECONDS = 5.0
"""How long unit tests are looked for, for one spec."""

_FIRST = 0.8  # of the time; what is left is for rows that are made for survivors
_SLICE = 130  # faults of a unit that one process tries; each slice sets up its rows anew

Found = TypeVar("Found", MutationResult, Grown, Heard)
Crew = Pool[Ground, Job, Answer]


def mutants_tier(
    proof: Proof,
    loaded: LoadedSpec,
    artifacts: Sequence[Artifact],
    *,
    seconds: float,
    progress: Callable[[str], None],
    count: int | None = None,
    state: Path | None = None,
) -> None:
    """Plants faults in every model on which the code is right, and sets the proof's strengths.

    Args:
        proof: after the oracle tier.
        loaded: the spec.
        artifacts: its code, for places.
        seconds: for all models together; the shipped tests have their own.
        progress: told what happens.
        count: how many processes work; by default as many as there are cores, within reason.
        state: the folder where results are kept; what has not changed is taken from there.
    """
    if proof.case is None:
        return
    known = recalled(state, proof.case) if state else {}
    known = {n: s for n, s in known.items() if n not in proof.refuted}
    until = time.monotonic() + seconds
    ground = Ground(proof.case, proof.runs, loaded.digest)
    with without_warnings(), Pool(perform, ground, count or processes()) as crew:
        tier = _Tier(proof, ground, crew, progress)
        tier.first(until - seconds * (1 - _FIRST), known)
        tier.grow(until)
        heard = tier.notice(count or processes())
    tier.say_what_is_left()
    proof.trials = tier.trials
    proof.strengths |= known
    for name, trial in tier.trials.items():
        proof.strengths[name] = strength_of(name, [r for _, r in trial], heard[name])
    with Engine() as engine, Clock() as clock:
        refute(proof, artifacts, engine, clock)  # by rows that were made for survivors
    if state:
        right = [s for n, s in proof.strengths.items() if n not in proof.refuted]
        remember(state, proof.case, right)


@dataclass
class _Tier:
    """The faults of all models and what becomes of them."""

    proof: Proof
    ground: Ground
    crew: Crew
    progress: Callable[[str], None]
    trials: dict[str, Trial] = field(default_factory=dict)
    grown: dict[str, Grown] = field(default_factory=dict)

    def first(self, until: float, known: Collection[str]) -> None:
        """Every fault on all rows; models that keep rows come last, as they take far longer."""
        for name in known:
            self.progress(f"mutants: {name}, unchanged since its faults were tried")
        fields = {
            name: places
            for name, places in self.ground.fields.items()
            if name not in self.proof.refuted and name not in known
        }
        self.trials = {name: [] for name in fields}
        order = sorted(
            ((name, at) for name, places in fields.items() for at in range(len(places))),
            key=lambda at: fields[at[0]][at[1]].staged,
        )
        asked: list[tuple[str, int, tuple[Mutant, ...], list[Future[Answer]]]] = []
        for name, index in order:
            faults = planted(fields[name][index])
            self.progress(f"mutants: {name}, {len(faults)} faults")
            step = max(1, -(-len(faults) // _SLICE))
            jobs = [Plant((name, index), at, step, until) for at in range(step)]
            asked.append((name, index, faults, [self.crew.submit(j, until) for j in jobs]))
        for name, index, faults, futures in sorted(asked, key=lambda a: a[:2]):
            parts = []
            for at, future in enumerate(futures):
                found = _answer(future, MutationResult)
                mine = faults[at :: len(futures)]
                parts.append(untried(mine, found) if isinstance(found, str) else found)
            self.trials[name].append((fields[name][index], joined(parts, faults)))

    def grow(self, until: float) -> None:
        """Rows made for one model alone, judged as the first ones were, for what survives.

        What the model reads of other models is filled directly, within what the spec promises of
        it, so that nothing that stands before the model hides a fault in it.
        """
        asked: dict[str, Future[Answer]] = {}
        for name, trial in self.trials.items():
            faults = tuple(tuple(v.mutant for v in r.of("undecided")) for _, r in trial)
            left = sum(map(len, faults))
            if left and time.monotonic() < until:
                self.progress(f"mutants: {name}, rows for {left} that survive")
                asked[name] = self.crew.submit(Grow(name, faults, until), until)
            elif left:
                self.trials[name] = [(place, cut(result)) for place, result in trial]
        for name, future in asked.items():
            found = _answer(future, Grown)
            if isinstance(found, str):
                self.trials[name] = [(place, cut(r, found)) for place, r in self.trials[name]]
                continue
            self.grown[name] = found
            self.proof.runs += found.runs
            self.trials[name] = [
                (place, merged(result, later) if later else result)
                for (place, result), later in zip(self.trials[name], found.results, strict=True)
            ]

    def notice(self, count: int) -> dict[str, list[Heard]]:
        """What the tests that ship with the code notice, by model and unit.

        Args:
            count: how many processes work: each unit in turn has its share of the time.
        """
        self.progress("mutants: the tests that the project ships")
        asked: list[tuple[str, MutationResult, Future[Answer]]] = []
        places = [(n, at) for n, trial in self.trials.items() for at in range(len(trial))]
        places.sort(key=lambda at: self.trials[at[0]][at[1]][0].staged)
        now = time.monotonic()
        for number, (name, index) in enumerate(places, count):
            share = min(1.0, number / len(places))
            until = now + TEST_SECONDS * share
            end = until + PROPOSE_SECONDS * min(1.0, count / len(places))
            result = self.trials[name][index][1]
            runs = self.grown[name].runs if name in self.grown else ()
            job = Notice((name, index), result, runs, until, end)
            asked.append((name, result, self.crew.submit(job, end)))
        heard: dict[str, list[Heard]] = {name: [] for name in self.trials}
        for name, result, future in asked:
            found = _answer(future, Heard)
            if isinstance(found, str):
                found = Heard(Noticed(untried=tuple(changing_rows(result.verdicts))))
            heard[name].append(found)
        return heard

    def say_what_is_left(self) -> None:
        """Counts the faults that were not tried on everything, and those that no rows can show."""
        for name, trial in self.trials.items():
            left = [v for _, r in trial for v in r.of("not_tried")]
            apart = sum(v.detail in REASONS for v in left)
            if apart:
                self.proof.not_run.append(
                    f"mutants: {name}: {apart} faults in what its change log notes of itself, "
                    "which no rows show: they count as neither killed nor harmless"
                )
            for why, number in Counter(v.detail for v in left if v.detail not in REASONS).items():
                faults = f"{number} fault{'' if number == 1 else 's'}"
                self.proof.not_run.append(
                    f"mutants: {name}: {faults} not tried on all rows, counted nowhere: {why}"
                )


def _answer(future: Future[Answer], kind: type[Found]) -> Found | str:
    """What a job gave, or why it gave nothing."""
    try:
        found = future.result()
    except Lost as lost:
        return str(lost)
    assert isinstance(found, kind)  # noqa: S101  each job has answers of its own kind
    return found
