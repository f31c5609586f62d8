"""Which faults the tests that ship with the code notice: its data tests and its unit tests.

A data test counts on rows on which it holds for the code without a fault. It runs on rows that are
made to tell faults apart, so the rate flatters the tests rather than the proof.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field

from tools.verify.mutants.bench import Rig, Setting
from tools.verify.mutants.clock import Clock
from tools.verify.mutants.schedule import round_robin, work
from tools.verify.mutants.session import Failed
from tools.verify.mutants.unit import UnitBench
from tools.verify.mutants.verdict import Verdict
from tools.verify.proof.agree import Case
from tools.verify.proof.chain import Chain
from tools.verify.proof.examples import unit_test_of, with_moment
from tools.verify.proof.fields import Run
from tools.verify.proof.standing import Standing

_MOST_ROWS, _MOST_SERIES = 12, 1
"""On how many data sets, and series of loads, a fault is held against the data tests."""

_FIRST_ROWS = 2
"""On how many of them all faults are held against the tests, before any is on more of them."""


@dataclass(frozen=True)
class Noticed:
    """What the shipped tests of a model notice of the faults that the proof tells from its code.

    Args:
        caught: faults with the test that was the first to notice.
        missed: faults that no test notices.
        untried: faults that there was no time for.
        blind: tests that say nothing here, and why.
    """

    caught: tuple[tuple[Verdict, str], ...] = ()
    missed: tuple[Verdict, ...] = ()
    untried: tuple[Verdict, ...] = ()
    blind: Mapping[str, str] = field(default_factory=dict)

    @property
    def tried(self) -> int:
        """How many faults were held against the tests."""
        return len(self.caught) + len(self.missed)

    def by_test(self) -> dict[str, int]:
        """How many faults each test was the first to notice, most first."""
        return dict(Counter(name for _, name in self.caught).most_common())


def changing_rows(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """The faults that make other rows: what data tests and unit tests are there to notice.

    Those that only fail, or only change a type, stop a build or its contract without any test.
    """
    return [v for v in verdicts if v.status == "killed" and v.how == "rows"]


def noticed(
    case: Case,
    chain: Chain,
    faults: Sequence[Verdict],
    runs: Sequence[Run],
    *,
    deadline: float,
    clock: Clock,
    threads: int = 2,
) -> Noticed:
    """Runs the tests of a project on each fault that the proof tells from the code.

    Args:
        case: what is proved.
        chain: its first unit has the faults.
        faults: with the data set that tells each from the code.
        runs: what the code gave, where it is right.
        deadline: of ``time.monotonic()``.
        clock: stops queries that run too long.
        threads: how many work at the same time.
    """
    found: dict[int, str] = {}
    with ExitStack() as stack:
        units = _Units(case, chain, runs, stack)
        shared = _Shared(case, chain, runs, clock, stack)

        def first(index: int) -> None:
            answer = units.catching(faults[index]) or shared.catching(faults[index], 0, _FIRST_ROWS)
            if answer is not None:
                found[index] = answer

        def further(index: int) -> None:
            if not found.get(index):
                answer = shared.catching(faults[index], _FIRST_ROWS, shared.most, deadline)
                found[index] = answer or found.get(index, "")

        order = round_robin([f.mutant for f in faults])
        work(order, first, deadline, threads)
        work(order, further, deadline, threads)
        blind = {**units.blind, **shared.blind}
    tried = [(faults[i], found[i]) for i in sorted(found)]
    return Noticed(
        tuple((f, by) for f, by in tried if by),
        tuple(f for f, by in tried if not by),
        tuple(f for i, f in enumerate(faults) if i not in found),
        blind,
    )


class _Units:
    """The unit tests of a model with their rows loaded."""

    def __init__(self, case: Case, chain: Chain, runs: Sequence[Run], stack: ExitStack) -> None:
        self.blind: dict[str, str] = {}
        self._benches: list[UnitBench] = []
        unit = chain.units[0]
        for test in case.compiled.unit_tests:
            if test.model.lower() != unit.name.lower():
                continue
            made = unit_test_of(test, case, unit, runs)
            if isinstance(made, str):
                self.blind[test.name] = made
                continue
            setting = Setting({}, with_moment(chain.prepare, test.moment))
            bench = UnitBench(chain.program, made, Rig(setting, stack))
            if bench.usable:
                self._benches.append(bench)
            else:
                self.blind[test.name] = "it does not pass on the code"

    def catching(self, fault: Verdict) -> str:
        """The unit test that fails on a fault; empty if none does."""
        program = fault.mutant.program
        return next((b.name for b in self._benches if b.catches(program)), "")


class _Shared:
    """The project as it stands on each data set, put up by each thread when it needs it."""

    def __init__(
        self, case: Case, chain: Chain, runs: Sequence[Run], clock: Clock, stack: ExitStack
    ) -> None:
        self._case, self._unit, self._clock, self._stack = case, chain.units[0], clock, stack
        self._runs = {r.scenario.name: r for r in reversed(runs)}
        self._lock = threading.Lock()
        self.most = _MOST_SERIES if chain.units[0].incremental else _MOST_ROWS
        self._places: dict[tuple[int, str], Standing | None] = {}

    @property
    def blind(self) -> dict[str, str]:
        """Tests of the model that hold on no data set."""
        own = [t.name for t in self._case.compiled.tests if t.model == self._unit.name]
        seeing = {n for p in list(self._places.values()) if p is not None for n in p.tests}
        why = "it holds on none of the data sets"
        return {n: why for n in own if n not in seeing} if seeing or self._places else {}

    def catching(
        self, fault: Verdict, start: int, end: int, deadline: float = math.inf
    ) -> str | None:
        """The test that notices a fault on some data sets, empty if none does; None of no answer.

        Args:
            fault: with the data set that tells it apart, which comes first.
            start: how many data sets are left out.
            end: of ``most`` data sets, the one to stop before.
            deadline: of ``time.monotonic()``.
        """
        answered = False
        for name in self._order(fault)[start : min(end, self.most)]:
            if time.monotonic() > deadline:
                break
            place = self._place(name)
            if place is None:
                continue
            with suppress(Failed):
                found = place.noticed(fault.mutant.program)
                answered = True
                if found:
                    return found
        return "" if answered else None

    def _order(self, fault: Verdict) -> list[str]:
        """Data sets, the one that tells a fault apart first; the same each time it is asked."""
        named = fault.by.removesuffix(", rows reversed")
        return sorted(self._runs, key=lambda name: name != named)

    def _place(self, name: str) -> Standing | None:
        key = (threading.get_ident(), name)
        if key not in self._places:
            place = None
            with suppress(Failed):
                place = Standing(self._case, self._unit, self._runs[name], self._clock)
                with self._lock:
                    self._stack.enter_context(closing(place))
            self._places[key] = place
        return self._places[key]
