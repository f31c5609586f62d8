"""Faults planted in one model and tried on data sets on which the code is right."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import cached_property

from tools.sql.equivalent.facts import Declared
from tools.sql.equivalent.prove import Prover
from tools.sql.mutate.enumerate import mutants
from tools.sql.mutate.mutant import Mutant
from tools.sql.mutate.program import Program
from tools.sql.parse import SqlError
from tools.verify.dataset import Dataset
from tools.verify.mutants.clock import Clock
from tools.verify.mutants.run import run_mutants
from tools.verify.mutants.schedule import round_robin, work
from tools.verify.mutants.session import Failed
from tools.verify.mutants.verdict import TIME_UP, MutationResult, Verdict, unlucky
from tools.verify.proof.beyond import beyond
from tools.verify.proof.chain import MUTANT_SECONDS, Chain, ChainBench

_FEW, _FEW_STAGED = 4, 1

SO_FAR = "it survives so far, time was up"
"""Why a fault that was tried on some rows counts as neither killed nor surviving."""

Series = Sequence[Dataset]
"""The rows of the relations that a model reads, at each load; called as SQL calls them."""


@dataclass(frozen=True)
class Field:
    """Where the faults of one unit are tried.

    Args:
        chain: the unit, and what it takes to see its rows.
        series: loads on which the code is right.
        facts: what is known of the relations.
        threads: how many work at the same time.
        free: columns of which the spec says nothing; lower case.
    """

    chain: Chain
    series: Sequence[Series]
    facts: Mapping[str, Declared]
    threads: int = 2
    free: tuple[str, ...] = ()

    @cached_property
    def prover(self) -> Prover:
        """Looks for arguments that a fault is harmless; it remembers what it has found."""
        return Prover(self.facts)

    @property
    def few(self) -> int:
        """How many series all faults are tried on; most are killed by the first ones."""
        return _FEW_STAGED if self.staged else _FEW

    @property
    def staged(self) -> bool:
        """Whether only some columns of the last unit count."""
        return bool(self.chain.columns)


def planted(field: Field) -> tuple[Mutant, ...]:
    """The faults of a unit; none when its SQL cannot be taken apart."""
    try:
        return mutants(field.chain.program, field.facts)
    except SqlError:
        return ()


def try_faults(
    field: Field, faults: Sequence[Mutant], deadline: float, clock: Clock
) -> MutationResult:
    """What becomes of faults: a few series first, the others for what survives those.

    Args:
        field: where they are tried.
        faults: of its unit.
        deadline: of ``time.monotonic()``.
        clock: stops queries that run too long.
    """
    return try_rest(field, try_first(field, faults, deadline, clock), deadline, clock)


def try_first(
    field: Field, faults: Sequence[Mutant], deadline: float, clock: Clock
) -> MutationResult:
    """What becomes of faults on a few series; see :func:`try_faults`."""
    return _tried(field, field.series[: field.few], faults, deadline, clock)


def try_rest(field: Field, found: MutationResult, deadline: float, clock: Clock) -> MutationResult:
    """The same, what survived tried on the other series as well."""
    left = [v.mutant for v in found.of("undecided")]
    if not left or len(field.series) <= field.few:
        return found
    if time.monotonic() >= deadline:
        return cut(found)
    rest = _tried(field, field.series[field.few :], left, deadline, clock)
    return merged(found, rest)


def _tried(
    field: Field,
    series: Sequence[Series],
    faults: Sequence[Mutant],
    deadline: float,
    clock: Clock,
) -> MutationResult:
    if field.staged:
        return _staged(field, series, faults, deadline, clock)
    return run_mutants(
        field.chain.program, faults, [_given(s) for s in series],
        prepare=field.chain.prepare, deadline=deadline, threads=field.threads,
        query_seconds=MUTANT_SECONDS, prover=field.prover,
    )  # fmt: skip


def _given(series: Series) -> Dataset | Series:
    return series[0] if len(series) == 1 else series


def _staged(
    field: Field,
    given: Sequence[Series],
    faults: Sequence[Mutant],
    deadline: float,
    clock: Clock,
) -> MutationResult:
    started = time.monotonic()
    skipped = dict[str, str]()
    with ExitStack() as stack:
        benches = []
        for series in given:
            name = series[0].name
            try:
                bench = ChainBench(name, series, field.chain, clock)
            except Failed as failure:
                skipped[name] = failure.message
                continue
            benches.append(stack.enter_context(closing(bench)))
        if not benches:
            verdicts = [Verdict(m, "not_tried", detail="no data set can be used") for m in faults]
        else:
            verdicts = _Trial(field, benches, faults).all(deadline)
    return MutationResult(tuple(verdicts), time.monotonic() - started, skipped)


class _Trial:
    """The faults of a staged unit and what became of them."""

    def __init__(
        self, field: Field, benches: Sequence[ChainBench], faults: Sequence[Mutant]
    ) -> None:
        self._field, self._benches, self._faults = field, benches, faults
        self._found: dict[int, Verdict] = {}
        self._lock = threading.Lock()

    def all(self, deadline: float) -> list[Verdict]:
        """A verdict for every fault."""
        work(round_robin(self._faults), self._one, deadline, self._field.threads)
        return [
            self._found.get(i) or Verdict(m, "not_tried", detail=TIME_UP)
            for i, m in enumerate(self._faults)
        ]

    def _one(self, index: int) -> None:
        fault = self._faults[index]
        found = self._decided(fault)
        with self._lock:
            self._found[index] = found

    def _decided(self, fault: Mutant) -> Verdict:
        found = self._tried(fault)
        if found is None and fault.by_chance is not None:
            found = unlucky(fault, self._tried(fault.by_chance))
        return found or self._argued(fault)

    def _argued(self, fault: Mutant) -> Verdict:
        """The verdict on what no rows tell; arguments take longer than to see what it is about."""
        reason = beyond(fault, self._field.free)
        if reason:
            return Verdict(fault, "not_tried", detail=reason)
        if fault.program.load == fault.original.load:
            given = fault.original.queries, fault.program.queries
            argument = self._field.prover.prove(*given)
            if argument is not None:
                return Verdict(fault, "equivalent", argument.name, detail=argument.reason)
        return Verdict(fault, "undecided", detail="no data set differs, no argument holds")

    def _tried(self, fault: Mutant) -> Verdict | None:
        """The verdict of the data sets; None when none tells the fault from the code."""
        for bench in sorted(self._benches, key=lambda b: -b.kills):
            try:
                how = bench.differs(fault)
            except Failed as failure:
                status = "invalid" if failure.kind == "binds" else "undecided"
                return Verdict(fault, status, detail=failure.message)  # type: ignore[arg-type]
            if how:
                with self._lock:
                    bench.kills += 1
                return Verdict(fault, "killed", bench.name, how)
        return None


def merged(first: MutationResult, later: MutationResult) -> MutationResult:
    """Results in which a later trial's replace those that were undecided, or not tried at all."""
    new: dict[Program, Verdict] = {v.mutant.program: v for v in later.verdicts}
    verdicts = tuple(_later(v, new.get(v.mutant.program, v)) for v in first.verdicts)
    return replace(first, verdicts=verdicts, seconds=first.seconds + later.seconds)


def _later(first: Verdict, later: Verdict) -> Verdict:
    """The later word on a fault, when it says more; one that was cut off undecides a survivor."""
    if first.status == "not_tried":
        return later
    if first.status != "undecided":
        return first
    if later.status == "not_tried" and later.detail == TIME_UP:
        return replace(later, detail=SO_FAR)
    return later if later.status in ("killed", "equivalent", "not_tried") else first


def cut(result: MutationResult, why: str = SO_FAR) -> MutationResult:
    """A result in which survivors that were not tried on all rows that they were due are no more.

    Whether such a fault survives is not known, so it counts in no rate.

    Args:
        result: what became of faults so far.
        why: what kept them from being tried.
    """
    verdicts = (
        replace(v, status="not_tried", detail=why) if v.status == "undecided" else v
        for v in result.verdicts
    )
    return replace(result, verdicts=tuple(verdicts))


def untried(faults: Sequence[Mutant], why: str) -> MutationResult:
    """Faults that could not be tried."""
    return MutationResult(tuple(Verdict(m, "not_tried", detail=why) for m in faults))


def joined(parts: Sequence[MutationResult], faults: Sequence[Mutant]) -> MutationResult:
    """The results of slices of faults as one.

    Args:
        parts: the first one of every so manieth fault from the first on, and so on.
        faults: all of them, in order.
    """
    verdicts = [parts[at % len(parts)].verdicts[at // len(parts)] for at in range(len(faults))]
    return replace(
        parts[0],
        verdicts=tuple(verdicts),
        seconds=sum(p.seconds for p in parts),
        problem=next((p.problem for p in parts if p.problem), ""),
    )
