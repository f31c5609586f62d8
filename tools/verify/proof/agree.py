"""Whether the code gives what the spec says, model by model, load by load.

Each model is held against the spec on the rows that the code itself gives it: an error is
reported where it is made, and not again in all that reads from there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from tools import layout
from tools.spec.model import Spec
from tools.spec.scope import surrogate_key
from tools.spec.transform import Model
from tools.verify.compare import Difference, difference
from tools.verify.dataset import Dataset, Table
from tools.verify.mutants.clock import Clock
from tools.verify.oracle.engine import CannotEvaluate, Engine
from tools.verify.oracle.transform import Result
from tools.verify.oracle.warehouse import Warehouse
from tools.verify.proof.compile import Compiled, Unit
from tools.verify.proof.engine import Batches, Made, moment_of, run_loads

State = Literal["same", "differs", "open", "fails", "cannot"]


@dataclass(frozen=True)
class Case:
    """What is proved.

    Args:
        spec: the pipeline.
        others: specs of models that it reads, by model name.
        compiled: its code.
    """

    spec: Spec
    others: Mapping[str, Spec]
    compiled: Compiled

    def with_code(self, unit: Unit) -> Case:
        """The same with one unit replaced."""
        units = tuple(unit if u.name == unit.name else u for u in self.compiled.units)
        return replace(self, compiled=replace(self.compiled, units=units))


@dataclass(frozen=True)
class Judged:
    """How a model's rows compare with what the spec says, after the loads of a series.

    Args:
        state: ``same``; ``differs``; ``open`` the spec leaves it open for these rows; ``fails``
            the code fails where the spec has an answer; ``cannot`` nothing can be said.
        reason: in words, but for ``same``.
        found: how they differ.
        batch: after which load, counted from 0.
    """

    state: State
    reason: str = ""
    found: Difference | None = None
    batch: int = 0


@dataclass(frozen=True)
class Subjects:
    """The units that the spec says something of: its models, and stand-ins of source tables."""

    models: Mapping[str, Model]
    sources: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> tuple[str, ...]:
        """All of them, stand-ins first."""
        return (*self.sources, *self.models)


def subjects_of(case: Case) -> Subjects:
    """The units that can be judged."""
    there = {u.name.lower(): u.name for u in case.compiled.units}
    models = {there[m.name.lower()]: m for m in case.spec.models if m.name.lower() in there}
    sources = {}
    for source in case.spec.sources:
        for table in source.tables:
            name = layout.staging_name(source, table)
            if name in there and name not in models and table.columns:
                sources[name] = f"{source.name}.{table.name}"
    return Subjects(models, sources)


def judge(
    case: Case,
    batches: Batches,
    engine: Engine,
    clock: Clock,
    *,
    names: Collection[str] = (),
    made: Sequence[Made] = (),
) -> dict[str, Judged]:
    """Holds the code against the spec on one series of loads.

    Args:
        case: what is proved.
        batches: what the sources hold at each load.
        engine: of the oracle.
        clock: stops queries of the code that run too long.
        names: units to judge; all that the spec speaks of if empty.
        made: what the code gave, when that is known already.
    """
    subjects = subjects_of(case)
    wanted = [n for n in subjects.names if not names or n in names]
    runs = made or run_loads(case.compiled, case.spec, batches, clock, only=wanted)
    found = {}
    for name in wanted:
        if name in subjects.sources:
            found[name] = _stand_in(subjects.sources[name], name, batches, runs)
        else:
            series = list(zip(batches, runs, strict=True))
            found[name] = _model(case, subjects.models[name], name, series, engine)
    return found


def _stand_in(reference: str, name: str, batches: Batches, runs: Sequence[Made]) -> Judged:
    for at, (batch, made) in enumerate(zip(batches, runs, strict=True)):
        expected = batch.table(reference)
        if expected is not None:
            judged = _compared(Result(expected), made, name, at)
            if judged.state != "same":
                return judged
    return Judged("same")


def _model(
    case: Case, model: Model, name: str, series: Sequence[tuple[Dataset, Made]], engine: Engine
) -> Judged:
    house = Warehouse(case.spec, engine, case.others)
    for at, (batch, made) in enumerate(series):
        try:
            given = given_to(case, model, batch, made)
            result = house.load(given, moment_of(at), [model.name])[model.name]
        except _Missing as missing:
            return Judged("cannot", str(missing), batch=at)
        except CannotEvaluate as error:
            return Judged("cannot", error.message, batch=at)
        if result.failed:
            return Judged("cannot", f"the spec has no answer: {result.failed}", batch=at)
        if result.undetermined:
            return Judged("open", result.undetermined[0], batch=at)
        judged = _compared(result, made, name, at, model)
        if judged.state != "same":
            return judged
    return Judged("same")


class _Missing(Exception):
    """A table that a model reads is not there."""


def given_to(case: Case, model: Model, batch: Dataset, made: Made) -> Dataset:
    """The data set with the tables of the models that a model reads, as the code made them."""
    tables = dict(batch.tables)
    for reference in (model.from_, *(j.to for j in model.joins)):
        unit = case.compiled.unit(reference) if case.spec.model_named(reference) else None
        if unit is None:
            continue
        if unit.name not in made.tables:
            why = made.failed[unit.name].message
            raise _Missing(f"it reads {unit.name}, which cannot be run: {why}")
        tables[reference] = without(made.tables[unit.name], lambda n: n.startswith("_"))
    return replace(batch, tables=tables)


def without(table: Table, left_out: Callable[[str], bool]) -> Table:
    """A table without the columns whose names a predicate accepts."""
    places = [i for i, n in enumerate(table.names) if not left_out(n)]
    if len(places) == len(table.columns):
        return table
    rows = tuple(tuple(row[i] for i in places) for row in table.rows)
    return Table(tuple(table.columns[i] for i in places), rows)


def key_of(model: Model) -> tuple[str, ...]:
    """What tells the rows of a model apart."""
    if model.load.strategy == "scd2":
        return (*model.load.key, model.load.valid_from)
    return tuple(model.grain or model.load.key or model.group_by)


def _compared(result: Result, made: Made, name: str, at: int, model: Model | None = None) -> Judged:
    got = made.tables.get(name)
    if got is None:
        failure = made.failed[name]
        wrong = name not in made.blamed and failure.kind in ("runs", "binds")
        return Judged("fails" if wrong else "cannot", failure.message, batch=at)
    expected, key = result.table, key_of(model) if model else ()
    known = {n.lower() for n in expected.names}
    own = surrogate_key(model).lower() if model and model.load.strategy == "scd2" else ""

    def bookkeeping(column: str) -> bool:
        lowered = column.lower()
        return lowered not in known and (lowered.startswith("_") or lowered == own)

    found = difference(expected, without(got, bookkeeping), key, result.untyped)
    return Judged("differs", said(found), found, at) if found else Judged("same")


def said(found: Difference) -> str:
    """A difference in a few words."""
    parts = []
    if found.absent:
        parts.append(f"{', '.join(found.absent)} missing")
    if found.added:
        parts.append(f"{', '.join(found.added)} not in the spec")
    parts += [f"{c} is {got}, not {expected}" for c, (expected, got) in found.kinds.items()]
    if found.values:
        parts.append(f"other values in {', '.join(found.values)}")
    if found.rows_differ:
        counts = ((len(found.missing), "missing"), (len(found.extra), "too many"))
        parts.append(", ".join(f"{n} row{'s' if n > 1 else ''} {what}" for n, what in counts if n))
    return "; ".join(parts) or "other rows"
