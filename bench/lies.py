"""Faults handed to the proof as if they were the code: does it call one of them right?

A false proof is a fault that random rows tell from the code, and that the judge of the proof
passes on all of its rows. Random rows share nothing with those of the proof.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench import chance
from tools.errors import InternalError
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
        harmless: faults that an argument shows to be harmless, and that random rows were tried on.
        lies: of those, which random rows tell from the code.
    """

    tried: int = 0
    passed: int = 0
    told: tuple[str, ...] = ()
    harmless: int = 0
    lies: tuple[str, ...] = ()


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


def counted(
    judge: Judge | None, place: Field, verdicts: Sequence[Verdict], datasets: int
) -> Counted:
    """Judges every fault of a unit, and tries random rows on those that pass.

    Args:
        judge: the proof; without one, every fault passes.
        place: where the faults are.
        verdicts: what the proof said of them.
        datasets: how many random data sets to try.
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
    shown = [v.mutant for v in wanted if v.status == "equivalent"]
    single = not place.chain.program.incremental
    told = chance.told(place, [v.mutant for v in passed], datasets) if single else []
    lies = [m for m in told if m in shown]
    return Counted(
        len(wanted),
        len(passed),
        tuple(m.description for m in told),
        len(shown) if single else 0,
        tuple(m.description for m in lies),
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
