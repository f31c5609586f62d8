"""What the mutants tier does in processes of its own: plain data in, plain data out."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from tools.sql.mutate.mutant import Mutant
from tools.sql.quiet import without_warnings
from tools.verify.mutants.clock import Clock
from tools.verify.mutants.verdict import MutationResult
from tools.verify.oracle.engine import Engine
from tools.verify.proof.agree import Case
from tools.verify.proof.faults import Field, try_faults
from tools.verify.proof.fields import Run, fields_of, judged_series, usable_runs
from tools.verify.proof.proposals import Proposed, proposed
from tools.verify.proof.shipped import Noticed, changing_rows, noticed
from tools.verify.proof.tier import rows_for

Place = tuple[str, int]
"""A model, and which of its units has the faults."""


class Ground:
    """What all jobs need.

    Args:
        case: what is proved.
        runs: what the code gave, and how that was judged.
        digest: of the spec: the same rows are made for the same digest.
    """

    def __init__(self, case: Case, runs: Sequence[Run], digest: str) -> None:
        self.case, self.runs, self.digest = case, tuple(runs), digest
        self._fields: dict[str, list[Field]] | None = None

    def __reduce__(self) -> tuple[type[Ground], tuple[Case, tuple[Run, ...], str]]:
        """Without the fields: trees and arguments that were found are made again where needed."""
        return Ground, (self.case, self.runs, self.digest)

    @property
    def fields(self) -> dict[str, list[Field]]:
        """Where faults are tried, by model: one thread each, as several processes work."""
        if self._fields is None:
            found = fields_of(self.case, self.runs, threads=1)
            self._fields = {n: [f for f in fs if f.series] for n, fs in found.items()}
        return self._fields


@dataclass(frozen=True)
class Plant:
    """Some faults of a unit are tried.

    Args:
        place: the unit.
        faults: of it; to find them anew would take as long as to try many of them.
        until: of ``time.monotonic()``.
    """

    place: Place
    faults: tuple[Mutant, ...]
    until: float


@dataclass(frozen=True)
class Grow:
    """Rows are made for one model alone, and what survives is tried on them.

    Args:
        model: its name.
        faults: of each of its units, those that survive.
        until: of ``time.monotonic()``.
    """

    model: str
    faults: tuple[tuple[Mutant, ...], ...]
    until: float


@dataclass(frozen=True)
class Grown:
    """What the code gave on new rows, and what became of the faults of each unit there."""

    runs: tuple[Run, ...]
    results: tuple[MutationResult | None, ...]


@dataclass(frozen=True)
class Notice:
    """The tests that ship with the code run on the faults of a unit; others are proposed.

    Args:
        place: the unit.
        result: what became of its faults.
        runs: on rows that were made later.
        seconds: for the tests, from when the job begins.
        more: for proposals, after that.
    """

    place: Place
    result: MutationResult
    runs: tuple[Run, ...]
    seconds: float
    more: float


@dataclass(frozen=True)
class Heard:
    """What the shipped tests notice, and what is proposed."""

    noticed: Noticed = field(default_factory=Noticed)
    proposed: Proposed = field(default_factory=Proposed)


Job = Plant | Grow | Notice
Answer = MutationResult | Grown | Heard


def perform(ground: Ground, job: Job) -> Answer:
    """Does a job."""
    with without_warnings(), Clock() as clock:
        if isinstance(job, Plant):
            return _plant(ground, job, clock)
        if isinstance(job, Grow):
            return _grow(ground, job, clock)
        return _notice(ground, job, clock)


def _plant(ground: Ground, job: Plant, clock: Clock) -> MutationResult:
    name, index = job.place
    return try_faults(ground.fields[name][index], job.faults, job.until, clock)


def _grow(ground: Ground, job: Grow, clock: Clock) -> Grown:
    case, model = ground.case, ground.case.spec.model_named(job.model)
    if model is None:
        return Grown((), ())
    rows = rows_for(case.spec, ground.digest, case.others, model.name)
    with Engine() as engine:
        runs = judged_series(case, rows, engine, clock, [job.model])
    fields = fields_of(case, runs, only=[job.model], threads=1)[job.model]
    results = [
        try_faults(place, faults, job.until, clock) if faults and place.series else None
        for place, faults in zip(fields, job.faults, strict=True)
    ]
    return Grown(tuple(runs), tuple(results))


def _notice(ground: Ground, job: Notice, clock: Clock) -> Heard:
    name, index = job.place
    place, case = ground.fields[name][index], ground.case
    model = case.spec.model_named(name)
    runs = usable_runs(model, name, [*ground.runs, *job.runs]) if model else []
    until = time.monotonic() + job.seconds
    found = noticed(
        case, place.chain, changing_rows(job.result.verdicts), runs,
        deadline=until, clock=clock, threads=1,
    )  # fmt: skip
    left = max(0.0, until - time.monotonic())
    return Heard(found, proposed(case, place, found, runs, time.monotonic() + left + job.more))
