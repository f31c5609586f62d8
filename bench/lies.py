"""Faults handed to the proof as if they were the code: does it call one of them right?

A false proof is a fault that random rows tell from the code, and that the judge of the proof
passes on all of its rows. Random rows share nothing with those of the proof; models that keep rows
get series of loads, and the code itself has to be right on those.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench import arrivals, chance
from bench.arrivals import Arrivals
from tools.errors import InternalError
from tools.sql.mutate.mutant import Mutant
from tools.sql.mutate.program import THIS, Program
from tools.verify.mutants.clock import Clock
from tools.verify.mutants.verdict import Verdict
from tools.verify.oracle.engine import Engine
from tools.verify.proof.agree import Case
from tools.verify.proof.compile import HASH_MACRO, Unit
from tools.verify.proof.faults import Field
from tools.verify.proof.fields import Run, judged_on

_WRONG = ("differs", "fails")


@dataclass(frozen=True)
class Counted:
    """What became of the faults of a unit.

    Args:
        tried: how many were handed to the proof as code.
        passed: those that it did not refute.
        told: of those, which random rows tell from the code: false proofs.
        harmless: faults that an argument shows to be harmless.
        lies: of those, which random rows tell from the code.
        lucky: faults that are counted as killed and that the judge passes: right on these rows by
            the order of rows, or of ties, that the database happens to take.
    """

    tried: int = 0
    passed: int = 0
    told: tuple[Mutant, ...] = ()
    harmless: int = 0
    lies: tuple[Mutant, ...] = ()
    lucky: tuple[Mutant, ...] = ()


@dataclass(frozen=True)
class Judge:
    """The proof of one model.

    Args:
        case: the code.
        name: the model that is judged.
        runs: the rows of the proof.
    """

    case: Case
    name: str
    runs: Sequence[Run]

    def refutes(self, unit: Unit, verdict: Verdict, engine: Engine, clock: Clock) -> bool:
        """Whether it finds a fault that is the code to be wrong on some rows of the proof."""
        wrong = self.case.with_code(_code(unit, verdict.mutant.program))
        usable = [r for r in self.runs if (j := r.judged.get(self.name)) and j.state == "same"]
        for run in sorted(usable, key=lambda r: r.scenario.name != verdict.by):
            judged = judged_on(wrong, run.scenario, engine, clock, [self.name]).judged[self.name]
            if judged.state in _WRONG:
                return True
        return False

    def passes(self, unit: Unit, original: Program, engine: Engine, clock: Clock) -> bool:
        """Whether the code itself, written as its faults are, is right: else nothing counts."""
        case = self.case.with_code(_code(unit, original))
        usable = [r for r in self.runs if (j := r.judged.get(self.name)) and j.state == "same"]
        found = (judged_on(case, r.scenario, engine, clock, [self.name]) for r in usable)
        return all(run.judged[self.name].state == "same" for run in found)


@dataclass(frozen=True)
class Random:
    """Rows made by chance, to tell faults from the code.

    Args:
        datasets: how many of them, or series of loads.
        arrivals: the series, of a model that keeps rows.
    """

    datasets: int
    arrivals: Arrivals | None = None

    def told(self, place: Field, index: int, faults: Sequence[Mutant], clock: Clock) -> set[Mutant]:
        """The faults of a unit that these rows tell from the code.

        Args:
            place: where they are planted.
            index: which unit of its model that is.
            faults: of the unit.
            clock: stops queries that run too long.
        """
        if self.arrivals is not None:
            return set(arrivals.told(self.arrivals.fields[index], faults, clock))
        return set(chance.told(place, faults, self.datasets))


def random_rows(judge: Judge | None, places: Sequence[Field], datasets: int) -> Random:
    """What the faults of a model are tried on after the proof has passed them.

    Args:
        judge: the proof of the model.
        places: its units.
        datasets: how many random data sets, or series of loads, to make.
    """
    if judge is None or not any(p.chain.units[-1].incremental for p in places):
        return Random(datasets)
    with Engine() as engine, Clock() as clock:
        made = arrivals.arrivals(
            judge.case, judge.name, judge.runs, datasets, engine=engine, clock=clock
        )
    return Random(datasets, made)


def counted(
    judge: Judge | None, place: Field, index: int, verdicts: Sequence[Verdict], rows: Random
) -> Counted:
    """Judges every fault of a unit, and tries random rows on those that pass.

    Args:
        judge: the proof; without one, every fault passes.
        place: where the faults are.
        index: which unit of its model that is.
        verdicts: what the proof said of them.
        rows: what to try on those that pass.
    """
    unit = place.chain.units[0]
    wanted = [v for v in verdicts if v.status in ("killed", "undecided", "equivalent")]
    with Engine() as engine, Clock() as clock:
        original = wanted[0].mutant.original if wanted else None
        if judge and original and not judge.passes(unit, original, engine, clock):
            raise InternalError(
                f"{judge.name}: the code is refuted when it is judged as a fault is",
                "compare how bench/lies.py writes it with how the proof compiles it",
            )
        passed = [v for v in wanted if judge is None or not judge.refutes(unit, v, engine, clock)]
        told = rows.told(place, index, [v.mutant for v in passed], clock)
    harmless = [v.mutant for v in wanted if v.status == "equivalent"]
    return Counted(
        len(wanted),
        len(passed),
        tuple(v.mutant for v in passed if v.mutant in told),
        len(harmless),
        tuple(m for m in harmless if m in told),
        tuple(v.mutant for v in passed if v.status == "killed"),
    )


def _code(unit: Unit, fault: Program) -> Unit:
    def named(sql: str) -> str:
        # The parser writes functions in capitals; the proof looks for its macro as it is called.
        plain = re.sub(HASH_MACRO, HASH_MACRO, sql, flags=re.IGNORECASE)
        return re.sub(rf"\b{THIS}\b", lambda _: unit.relation, plain)

    hooks = tuple(named(h) for h in fault.load.post_hooks)
    return replace(
        unit,
        sql=named(fault.sql),
        incremental=named(fault.incremental),
        load=replace(fault.load, post_hooks=hooks),
    )
