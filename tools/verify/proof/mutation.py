"""The mutants tier: can the proof fail? Faults are planted, and rows made until they show.

The work is cut into jobs that are the same however many processes there are, and each is done by
one thread: what becomes of a fault does not depend on how many cores the machine has. A model
whose faults are tried goes on to the next stage at once, so that no core waits for the slowest.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from functools import partial
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
from tools.verify.proof.pool import Lost, Pool, Started, processes
from tools.verify.proof.shipped import Noticed, changing_rows
from tools.verify.proof.strength import Trial, strength_of
from tools.verify.proof.tier import Proof, refute

TEST_SECONDS = 8.0
"""How long the shipped tests run at most, for one spec, on each of the processes."""

PROPOSE_SECONDS = 3.0
"""How long unit tests are looked for at most, likewise."""

_FIRST = 0.8  # of the time; what is left is for rows that are made for survivors
_SLICE = 130  # faults of a unit that one process tries; each slice sets up its rows anew
_LEAST = 0.1  # of the time for the shipped tests: what a unit with few faults has at least
_LOOK = 0.2  # seconds between looks at whether there is reason to stop

Found = TypeVar("Found", MutationResult, Grown, Heard)
Crew = Pool[Ground, Job, Answer]


def _never() -> bool:
    return False


def mutants_tier(
    proof: Proof,
    loaded: LoadedSpec,
    artifacts: Sequence[Artifact],
    *,
    seconds: float,
    progress: Callable[[str], None],
    count: int | None = None,
    started: Started | None = None,
    stop: Callable[[], bool] = _never,
) -> None:
    """Plants faults in every model on which the code is right, and sets the proof's strengths.

    Models whose verdicts were taken from a former run keep the strengths of that run.

    Args:
        proof: after the oracle tier.
        loaded: the spec.
        artifacts: its code, for places.
        seconds: for all models together; the shipped tests have their own.
        progress: told what happens.
        count: how many processes work; by default as many as there are cores, within reason.
        started: processes that wait for work.
        stop: whether nobody waits for the results any more; then there are none.
    """
    if proof.case is None:
        return
    number = count or processes()
    for name in proof.recalled:
        progress(f"mutants: {name}, unchanged since its faults were tried")
    ground = Ground(proof.case, proof.runs, loaded.digest)
    with without_warnings(), Pool(perform, ground, number, started=started) as crew:
        tier = _Tier(proof, ground, crew, progress, stop, number)
        if not tier.all(seconds):
            return
    tier.finish()
    with Engine() as engine, Clock() as clock:
        refute(proof, artifacts, engine, clock)  # by rows that were made for survivors


@dataclass
class _Unit:
    """The faults of a unit of a model, and what became of each slice of them."""

    name: str
    index: int
    faults: tuple[Mutant, ...]
    parts: list[MutationResult | None]


@dataclass
class _Tier:
    """The faults of all models and what becomes of them.

    Args:
        proof: what is to be made stronger.
        ground: what all jobs need.
        crew: does the jobs.
        progress: told what happens.
        stop: whether to leave off.
        count: how many processes work.
        until: of ``time.monotonic()``: when the faults have been tried, or are not.
    """

    proof: Proof
    ground: Ground
    crew: Crew
    progress: Callable[[str], None]
    stop: Callable[[], bool]
    count: int
    trials: dict[str, Trial] = field(default_factory=dict)
    grown: dict[str, Grown] = field(default_factory=dict)
    heard: dict[str, list[Heard]] = field(default_factory=dict)
    until: float = 0.0
    _open: dict[Future[Answer], Callable[[Future[Answer]], None]] = field(default_factory=dict)
    _left: Counter[str] = field(default_factory=Counter)
    _planted_in: Counter[tuple[str, int]] = field(default_factory=Counter)

    def all(self, seconds: float) -> bool:
        """Every fault on all rows, then what follows from that; false when it was stopped.

        Args:
            seconds: for the faults of all models together.
        """
        self.until = time.monotonic() + seconds
        self._plant(self.until - seconds * (1 - _FIRST))
        while self._open:
            done, _ = wait(self._open, _LOOK, FIRST_COMPLETED)
            if self.stop():
                return False
            for future in done:
                self._open.pop(future)(future)
        return True

    def finish(self) -> None:
        """Hands over what was found, in an order that does not depend on what was done first."""
        proof, names = self.proof, list(self.trials)
        for name in names:
            proof.runs += self.grown[name].runs if name in self.grown else ()
        self._say_what_is_left()
        proof.trials = self.trials
        for name, trial in self.trials.items():
            proof.strengths[name] = strength_of(name, [r for _, r in trial], self.heard[name])

    def _plant(self, until: float) -> None:
        """Every fault on all rows; models that keep rows come last, as they take far longer."""
        fields = {
            name: places
            for name, places in self.ground.fields.items()
            if name not in self.proof.refuted and name not in self.proof.recalled
        }
        self.trials = {n: [(f, MutationResult(())) for f in fs] for n, fs in fields.items()}
        self.heard = {n: [Heard()] * len(fs) for n, fs in fields.items()}
        order = sorted(
            ((name, at) for name, places in fields.items() for at in range(len(places))),
            key=lambda at: fields[at[0]][at[1]].staged,
        )
        self._left = Counter(name for name, _ in order)
        for name, index in order:
            faults = planted(fields[name][index])
            self.progress(f"mutants: {name}, {len(faults)} faults")
            self._planted_in[name, index] = len(faults)
            step = max(1, -(-len(faults) // _SLICE))
            unit = _Unit(name, index, faults, [None] * step)
            for at in range(step):
                job = Plant((name, index), faults[at::step], until)
                self._open[self.crew.submit(job, until)] = partial(self._planted, unit, at)

    def _planted(self, unit: _Unit, at: int, future: Future[Answer]) -> None:
        """A slice is tried; with the last one of a model, its survivors get rows of their own."""
        found, name = _answer(future, MutationResult), unit.name
        mine = unit.faults[at :: len(unit.parts)]
        unit.parts[at] = untried(mine, found) if isinstance(found, str) else found
        parts = [p for p in unit.parts if p is not None]
        if len(parts) < len(unit.parts):
            return
        place = self.trials[name][unit.index][0]
        self.trials[name][unit.index] = (place, joined(parts, unit.faults))
        self.progress(f"mutants: {name}, {len(unit.faults)} faults tried")
        self._left[name] -= 1
        if not self._left[name]:
            self._grow(name)

    def _grow(self, name: str) -> None:
        """Rows made for one model alone, judged as the first ones were, for what survives.

        What the model reads of other models is filled directly, within what the spec promises of
        it, so that nothing that stands before the model hides a fault in it.
        """
        faults = tuple(tuple(v.mutant for v in r.of("undecided")) for _, r in self.trials[name])
        left = sum(map(len, faults))
        if left and time.monotonic() < self.until:
            self.progress(f"mutants: {name}, rows for {left} that survive")
            future = self.crew.submit(Grow(name, faults, self.until), self.until)
            self._open[future] = partial(self._grew, name)
            return
        if left:
            self.trials[name] = [(place, cut(result)) for place, result in self.trials[name]]
        self._notice(name)

    def _grew(self, name: str, future: Future[Answer]) -> None:
        found = _answer(future, Grown)
        if isinstance(found, str):
            self.trials[name] = [(place, cut(r, found)) for place, r in self.trials[name]]
        else:
            self.grown[name] = found
            self.trials[name] = [
                (place, merged(result, later) if later else result)
                for (place, result), later in zip(self.trials[name], found.results, strict=True)
            ]
        self._notice(name)

    def _notice(self, name: str) -> None:
        """What the tests that ship with the code notice; more faults have more of the time."""
        self.progress(f"mutants: {name}, the tests that the project ships")
        runs = self.grown[name].runs if name in self.grown else ()
        for index, (_, result) in enumerate(self.trials[name]):
            part = self._planted_in[name, index] / max(1, self._planted_in.total())
            share = min(1.0, max(_LEAST, self.count * part))
            seconds, more = TEST_SECONDS * share, PROPOSE_SECONDS * share
            job = Notice((name, index), result, runs, seconds, more)
            future = self.crew.submit(job, seconds=seconds + more)
            self._open[future] = partial(self._noticed, job)

    def _noticed(self, job: Notice, future: Future[Answer]) -> None:
        found, (name, index) = _answer(future, Heard), job.place
        if isinstance(found, str):
            found = Heard(Noticed(untried=tuple(changing_rows(job.result.verdicts))))
        self.heard[name][index] = found

    def _say_what_is_left(self) -> None:
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
