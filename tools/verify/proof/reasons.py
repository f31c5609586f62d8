"""Why each row of the data sets is there: what it was made for, and the faults that need it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial

from tools.spec.transform import Model
from tools.sql.mutate.mutant import Mutant
from tools.sql.mutate.program import THIS
from tools.verify.lineage import upstream_tables
from tools.verify.mutants.bench import Rig, Setting
from tools.verify.mutants.forms import Form, forms_of
from tools.verify.mutants.probe import Place
from tools.verify.mutants.reduce import smallest
from tools.verify.mutants.verdict import Verdict
from tools.verify.outcome import RowReason
from tools.verify.proof.agree import Case, subjects_of
from tools.verify.proof.faults import Field
from tools.verify.proof.fields import fields_of, usable_runs
from tools.verify.proof.known import plain
from tools.verify.proof.shipped import changing_rows
from tools.verify.proof.tier import Proof

_REVERSED = ", rows reversed"
_CHECKS = 80

Needed = dict[tuple[str, int, str, int], list[str]]
"""By data set, load, reference and index of the row: the faults that are told by it."""


def reasons_of(proof: Proof, name: str, seconds: float) -> tuple[RowReason, ...]:
    """Every row that a model is proved on, with the reason.

    Args:
        proof: after the tiers; without faults there are only the reasons that rows were made for.
        name: of the model.
        seconds: how long to look for the rows that faults need.
    """
    case = proof.case
    model = case.spec.model_named(name) if case else None
    if case is None or model is None:
        return ()
    needed: Needed = {}
    deadline = time.monotonic() + seconds
    killed = [changing_rows(r.verdicts) for _, r in proof.trials.get(model.name, ())]
    fields = fields_of(case, proof.runs, only=[model.name]).get(model.name, [])
    for place, faults in zip(fields, killed, strict=False):
        _look(case, place, faults, needed, deadline)
    return tuple(_listed(case, model, proof, needed))


def _listed(case: Case, model: Model, proof: Proof, needed: Needed) -> Iterator[RowReason]:
    read = upstream_tables(case.spec, model, case.others) | {model.from_.lower()}
    read |= {j.to.lower() for j in model.joins}
    seen = set()
    for run in usable_runs(model, model.name, proof.runs):
        series = run.scenario.name
        if series in seen:
            continue
        seen.add(series)
        for load, batch in enumerate(run.scenario.batches):
            said = f"{series}, load {load + 1}" if len(run.scenario.batches) > 1 else series
            for reference, table in batch.tables.items():
                for row in range(len(table.rows)) if reference.lower() in read else ():
                    tells = needed.get((series, load, reference, row), [])
                    why = batch.why.get((reference, row), "")
                    yield RowReason(said, reference, row + 1, why, tuple(tells))


def _look(
    case: Case, place: Field, faults: Sequence[Verdict], needed: Needed, deadline: float
) -> None:
    """Finds the fewest rows that tell each fault, those of faults before it tried first."""
    by_series: dict[str, list[Mutant]] = {}
    for fault in faults:
        by_series.setdefault(fault.by.removesuffix(_REVERSED), []).append(fault.mutant)
    relations = {r: r for r in place.chain.others}
    for series in place.series:
        with ExitStack() as stack:
            rig = Rig(Setting(relations, place.chain.prepare), stack)
            wanted = by_series.pop(series[0].name, [])
            if not wanted or time.monotonic() > deadline:
                continue
            for form in forms_of(place.chain.program, tuple(series), rig):
                load = 0 if form.index == 0 else len(series) - 1
                found = _Found(case, (series[0].name, load), needed)
                wanted = found.add(form, wanted, deadline)


class _Found:
    """Rows of one load that tell faults."""

    def __init__(self, case: Case, at: tuple[str, int], needed: Needed) -> None:
        self._at, self._needed = at, needed
        self._references = _references(case)
        self._sets: list[list[Place]] = []

    def add(self, form: Form, faults: Sequence[Mutant], deadline: float) -> list[Mutant]:
        """Looks at faults, and gives those that this form does not tell."""
        left = []
        for fault in faults:
            if time.monotonic() > deadline:
                break
            rows = next((s for s in self._sets if form.tells(fault, s)), None)
            if rows is None:
                every = form.probe.places
                if not form.tells(fault, every):
                    left.append(fault)
                    continue
                rows = smallest(every, partial(form.tells, fault), _CHECKS)
                self._sets.append(rows)
            for relation, index in rows:
                self._note(relation, index, fault)
        return left

    def _note(self, relation: str, index: int, fault: Mutant) -> None:
        reference = self._references.get(relation)
        if relation == THIS or reference is None:
            return
        key = (*self._at, reference, index)
        self._needed.setdefault(key, []).append(f"{fault.description} ({fault.operator})")


def _references(case: Case) -> Mapping[str, str]:
    """What a data set calls each relation; stand-ins show the rows of their source in order."""
    stands = subjects_of(case).sources
    found = {plain(u.relation): stands.get(u.name, u.name) for u in case.compiled.units}
    return {**found, **{plain(r): ref for r, ref in case.compiled.sources.items()}}
