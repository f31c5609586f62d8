"""The same rows through the code of two revisions, and what moved between them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tools.sql.mutate.program import canonical
from tools.sql.parse import SqlError
from tools.verify.compare import equal
from tools.verify.mutants.clock import Clock
from tools.verify.oracle.engine import Engine
from tools.verify.proof.compile import Unit
from tools.verify.proof.engine import Batches, Made, run_loads
from tools.verify.proof.fields import Rows
from tools.verify.proof.scenarios import Scenario, loads, single
from tools.verify.proof.shown import row_count
from tools.verify.proof.smallest import smallest
from tools.verify.regression.metrics import Unknown, Values, metrics_of
from tools.verify.regression.report import ColumnMove, MetricMove, ModelMove, State, Witness
from tools.verify.regression.sides import Side
from tools.verify.regression.tables import Change, Tally, change_of
from tools.verify.regression.witness import shown, witness_of

WITNESS_SECONDS = 5.0
"""How long to look for smaller rows, for all models together."""


@dataclass
class _Seen:
    """What is known of one unit after some scenarios."""

    tally: Tally = field(default_factory=Tally)
    fails: dict[str, list[str]] = field(default_factory=lambda: {"before": [], "after": []})
    first: Scenario | None = None
    runs: int = 0

    @property
    def differs(self) -> bool:
        """Whether the unit gives something else, or fails on one side only."""
        return self.tally.differs or self.first is not None


@dataclass
class Comparison:
    """Two revisions of a pipeline on the same rows.

    Args:
        before: the earlier one.
        after: the present one.
        rows: gives what goes through both; not asked if nothing can have moved.
        progress: told what happens.
        datasets: how many series of loads went through both.
    """

    before: Side
    after: Side
    rows: Callable[[], Rows]
    progress: Callable[[str], None]
    datasets: int = 0
    _seen: dict[str, _Seen] = field(default_factory=dict)
    _metrics: list[tuple[Values, Values]] = field(default_factory=list)
    _wanted: list[str] = field(default_factory=list)

    def run(self) -> tuple[tuple[ModelMove, ...], tuple[MetricMove, ...]]:
        """What moved: models in the order in which they are built, then metrics."""
        shared = [u.name for u in self.after.case.compiled.units if self._old(u.name)]
        alike = self._alike()
        self._seen = {name: _Seen() for name in shared if name not in alike}
        self._wanted = [*self._seen, *self._measured()]
        if not self._wanted:
            return self._models({}), ()
        self.progress("making rows that tell right from wrong")
        rows = self.rows()
        with Engine() as engine, Clock() as clock:
            scenarios = [*single(rows.datasets), *loads(rows.sequences)]
            self.datasets = len(scenarios)
            self.progress(f"{len(scenarios)} data sets through {len(self._seen)} models, twice")
            for scenario in scenarios:
                self._scenario(scenario, engine, clock)
            witnesses = self._witnesses(engine, clock)
        return self._models(witnesses), self._moved_metrics()

    def _old(self, name: str) -> Unit | None:
        return self.before.case.compiled.unit(name)

    def _made(self, batches: Batches, engine: Engine, clock: Clock, only: Sequence[str] = ()) -> (
        tuple[list[Made], list[Made]]
    ):  # fmt: skip
        made = []
        for side in (self.before, self.after):
            fitted, case = side.fitted(batches, engine), side.case
            made.append(run_loads(case.compiled, case.spec, fitted, clock, only=only))
        return made[0], made[1]

    def _scenario(self, scenario: Scenario, engine: Engine, clock: Clock) -> None:
        old, new = self._made(scenario.batches, engine, clock, self._wanted)
        for name, seen in self._seen.items():
            seen.runs += 1
            differs = False
            for one, two in zip(old, new, strict=True):
                change, failed = self._unit(name, one, two)
                for side, reason in failed.items():
                    seen.fails[side].append(reason)
                if change is not None:
                    seen.tally.add(change)
                differs = differs or len(failed) == 1 or (change is not None and change.differs)
            if differs and _is_smaller(scenario, seen.first):
                seen.first = scenario
        last = (old[-1].tables, new[-1].tables)
        specs = (self.before.case.spec, self.after.case.spec)
        self._metrics.append((metrics_of(specs[0], last[0]), metrics_of(specs[1], last[1])))

    def _unit(self, name: str, old: Made, new: Made) -> tuple[Change | None, dict[str, str]]:
        """How a unit compares after one load; why a side has no table for it."""
        unit = self._old(name)
        was, now = old.tables.get(unit.name if unit else name), new.tables.get(name)
        failed = {}
        if was is None:
            failed["before"] = old.failed[unit.name if unit else name].message
        if now is None:
            failed["after"] = new.failed[name].message
        if was is None or now is None:
            return None, failed
        return change_of(was, now, self.after.key(name)), {}

    # -- witnesses --------------------------------------------------------------------------

    def _witnesses(self, engine: Engine, clock: Clock) -> dict[str, Witness]:
        """The fewest rows for each unit that moved; those whose own code changed come first."""
        moved = [n for n, s in self._seen.items() if s.first is not None]
        order = sorted(moved, key=self._same_code)
        until, found = time.monotonic() + WITNESS_SECONDS, {}
        for number, name in enumerate(order):
            self.progress(f"the fewest rows that show {name}")
            share = max(0.2, (until - time.monotonic()) / (len(order) - number))
            found[name] = self._witness(name, share, engine, clock)
        return found

    def _witness(self, name: str, seconds: float, engine: Engine, clock: Clock) -> Witness:
        first = self._seen[name].first
        batches: Batches = first.batches if first else ()

        def last(given: Batches) -> tuple[Change | None, dict[str, str]]:
            old, new = self._made(given, engine, clock, [name])
            pairs = [self._unit(name, o, n) for o, n in zip(old, new, strict=True)]
            return next((p for p in pairs if _parts(p)), pairs[-1])

        kind = _kind(last(batches))
        found = smallest(batches, lambda given: _kind(last(given)) == kind, seconds)
        change, failed = last(found)
        return witness_of(self._read(found, engine), change, failed, self.after.key(name))

    def _read(self, batches: Batches, engine: Engine) -> Batches:
        """Loads as the present code sees them; as the earlier one does where it sees more."""
        sides = [s.fitted(batches, engine) for s in (self.after, self.before)]
        return max(sides, key=row_count)

    def _same_code(self, name: str) -> bool:
        old, new = self._old(name), self.after.case.compiled.unit(name)
        if old is None or new is None or old.load != new.load:
            return False
        pairs = ((old.sql, new.sql), (old.incremental, new.incremental))
        return all(_alike(*pair) for pair in pairs)

    def _alike(self) -> frozenset[str]:
        """Units that cannot have moved: their code, what they read and the sources are alike."""
        if self.before.bases != self.after.bases:
            return frozenset()
        found: set[str] = set()
        for unit in self.after.case.compiled.units:  # each comes after those that it reads
            if self._same_code(unit.name) and found.issuperset(unit.reads):
                found.add(unit.name)
        return frozenset(found)

    def _measured(self) -> list[str]:
        """The models that measures are taken of, where the measures themselves have changed."""
        old, new = (side.case.spec.semantic for side in (self.before, self.after))
        if (old.measures, old.metrics) == (new.measures, new.metrics) and not self._seen:
            return []
        names = [m.model or "" for s in (old, new) for m in s.measures]
        names += [e.model or "" for s in (old, new) for e in s.entities]
        return [u.name for u in self.after.case.compiled.units if u.name in names]

    # -- what is said -----------------------------------------------------------------------

    def _models(self, witnesses: dict[str, Witness]) -> tuple[ModelMove, ...]:
        found: list[ModelMove] = []
        for unit in self.after.case.compiled.units:
            if unit.name not in self._seen:
                state: State = "same" if self._old(unit.name) else "added"
                found.append(ModelMove(unit.name, state, state == "same"))
                continue
            moved = [m.name for m in found if m.state in ("moved", "open")]
            found.append(self._model(unit, moved, witnesses.get(unit.name)))
        new = {u.name.lower() for u in self.after.case.compiled.units}
        old = [u.name for u in self.before.case.compiled.units]
        return (*found, *(ModelMove(n, "removed") for n in old if n.lower() not in new))

    def _model(self, unit: Unit, moved: Sequence[str], witness: Witness | None) -> ModelMove:
        seen = self._seen[unit.name]
        tally, same = seen.tally, self._same_code(unit.name)
        fails = {s: _often(r, seen.runs) for s, r in seen.fails.items() if r}
        state: State = "moved" if seen.differs else "same"
        if state == "same" and not tally.before + tally.after and fails and not same:
            state = "open"
        return ModelMove(
            unit.name, state, same, tally.before, tally.after, tally.added, tally.removed,
            tally.changed, tally.keyed, _columns(tally), fails, witness,
            tuple(m for m in unit.reads if m in moved) if same else (),
        )  # fmt: skip

    def _moved_metrics(self) -> tuple[MetricMove, ...]:
        if not self._metrics:
            return ()
        names = dict.fromkeys(n for pair in self._metrics for n in (*pair[1], *pair[0]))
        return tuple(_metric(kind, name, self._metrics) for kind, name in names)


def _alike(one: str, two: str) -> bool:
    """Whether two queries are the same but for comments and layout."""
    if one == two or not (one and two):
        return one == two
    try:
        return canonical(one) == canonical(two)
    except SqlError:
        return False


def _is_smaller(one: Scenario, two: Scenario | None) -> bool:
    def size(scenario: Scenario) -> tuple[int, int]:
        return len(scenario.batches), row_count(scenario.batches)

    return two is None or size(one) < size(two)


def _parts(found: tuple[Change | None, dict[str, str]]) -> bool:
    change, failed = found
    return len(failed) == 1 or (change is not None and change.differs)


def _kind(found: tuple[Change | None, dict[str, str]]) -> tuple[Any, ...]:
    """What there is to see: smaller rows have to show the same."""
    change, failed = found
    if change is None:
        return ("fails", *sorted(failed))
    shape = (bool(change.retyped), bool(change.only_before), bool(change.only_after))
    rows = bool(change.pairs or change.added or change.removed)
    return (*shape, rows)


def _often(reasons: Sequence[str], runs: int) -> str:
    return f"{reasons[0].splitlines()[0]} (on {min(len(reasons), runs)} of {runs} data sets)"


def _columns(tally: Tally) -> tuple[ColumnMove, ...]:
    found = []
    for name in dict.fromkeys((*tally.moved, *tally.retyped)):
        old, new = tally.samples.get(name, (None, None))
        found.append(
            ColumnMove(
                name,
                tally.moved[name],
                tally.compared,
                shown(old),
                shown(new),
                tally.retyped.get(name),
            )
        )
    found += [ColumnMove(n, existence="added") for n in tally.only_after]
    found += [ColumnMove(n, existence="removed") for n in tally.only_before]
    return tuple(found)


def _metric(kind: str, name: str, series: Sequence[tuple[Values, Values]]) -> MetricMove:
    key = (kind, name)
    if key not in series[0][0]:
        return MetricMove(name, kind, "added")
    if key not in series[0][1]:
        return MetricMove(name, kind, "removed")
    pairs = [(old[key], new[key]) for old, new in series]
    known = [p for p in pairs if not any(isinstance(v, Unknown) for v in p)]
    if not known:
        reason = next(str(v) for p in pairs for v in p if isinstance(v, Unknown))
        same = all(isinstance(v, Unknown) for p in pairs for v in p)
        return MetricMove(name, kind, "same" if same else "open", reason=reason)
    moved = [p for p in known if not equal(*p, exactly=False)]
    if not moved:
        return MetricMove(name, kind, "same", compared=len(known))
    old, new = next((p for p in moved if None not in p), moved[0])
    return MetricMove(name, kind, "moved", len(moved), len(known), shown(old), shown(new))
