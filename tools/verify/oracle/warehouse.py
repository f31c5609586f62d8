"""A pipeline over several loads: every model in order, each table kept as its load says."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tools.spec.model import Spec
from tools.spec.transform import Model
from tools.verify.dataset import Dataset, Table
from tools.verify.oracle.dimension import Dimension, extras_of
from tools.verify.oracle.engine import CannotEvaluate, Engine
from tools.verify.oracle.history import Change
from tools.verify.oracle.loads import Doubt, append, merge
from tools.verify.oracle.transform import NO_OTHERS, Result, evaluate
from tools.verify.oracle.types import untyped

FIRST_LOAD = dt.datetime(2030, 1, 1)  # noqa: DTZ001 - wall-clock UTC, as the data is
"""The moment of a load where nobody gives one: after everything that fixtures hold."""


@dataclass
class _State:
    """What is kept of a model between loads; what was open once stays open."""

    table: Table | None = None
    changes: list[Change] = field(default_factory=list)
    doubts: dict[str, None] = field(default_factory=dict)


@dataclass
class Warehouse:
    """The tables of a pipeline, empty at first.

    Args:
        spec: the pipeline.
        engine: gives the values of expressions.
        others: models of other specs by name.
    """

    spec: Spec
    engine: Engine
    others: Mapping[str, Spec] = field(default_factory=dict)
    _states: dict[str, _State] = field(default_factory=dict)

    def load(
        self, dataset: Dataset, moment: dt.datetime = FIRST_LOAD, only: Sequence[str] = ()
    ) -> dict[str, Result]:
        """Loads every model, or some and what they read, from what the sources hold now.

        Args:
            dataset: the source tables; a model that it holds is taken as given.
            moment: when.
            only: names of models; all of the spec if empty.

        Returns:
            the tables by model name, as they are after the load; ``failed`` says of a model that
            it could not be worked out, the others have their rows.
        """
        this = _Round(self, dataset, moment)
        for name in only or [m.name for m in self.spec.models]:
            this.result(self.spec, name)
        return this.done

    def state(self, model: Model) -> _State:
        """What is kept of a model."""
        return self._states.setdefault(model.name.lower(), _State())


@dataclass
class _Round:
    """One load of a warehouse."""

    house: Warehouse
    dataset: Dataset
    moment: dt.datetime
    done: dict[str, Result] = field(default_factory=dict)
    _open: set[str] = field(default_factory=set)

    def result(self, spec: Spec, name: str) -> Result:
        """The table of a model after this load."""
        model = spec.model_named(name)
        if model is None:
            raise CannotEvaluate(f"{spec.pipeline} has no model {name}", "name one of its models")
        if model.name not in self.done:
            if model.name in self._open:
                raise CannotEvaluate(f"{model.name} reads itself", "break the cycle")
            self._open.add(model.name)
            try:
                self.done[model.name] = self._load(spec, model)
            except CannotEvaluate as error:
                self.done[model.name] = Result(Table(()), (), error.message)
        return self.done[model.name]

    def _load(self, spec: Spec, model: Model) -> Result:
        given, open_points = self._inputs(spec, model)
        extras = extras_of(spec, model)
        order = [e.name for e in extras if not e.is_condition]
        found = evaluate(
            spec, model, given, self.house.others, engine=self.house.engine, extras=extras
        )
        state = self.house.state(model)
        now = dict.fromkeys((*open_points, *found.undetermined))

        def doubt(reason: str) -> None:
            now[f"{model.name}: {reason}"] = None

        if model.load.strategy == "scd2":
            dimension = Dimension(spec, model, self.house.engine, doubt)
            table, state.changes = dimension.load(found.table, given, state.changes, self.moment)
        else:
            table = _kept(model, found.table, state, order, doubt)
        if model.load.strategy != "full":
            state.doubts.update(now)
            now = state.doubts
        return Result(table, tuple(now), untyped=untyped(spec, model, self.house.others))

    def _inputs(self, spec: Spec, model: Model) -> tuple[Dataset, list[str]]:
        """The tables that a model reads, and what is open about them."""
        tables, doubts = dict(self.dataset.tables), list[str]()
        for reference in dict.fromkeys((model.from_, *(j.to for j in model.joins))):
            if self.dataset.table(reference) or spec.source_table(reference) is not None:
                continue
            owner = spec if spec.model_named(reference) else self.house.others.get(reference)
            if owner is None:
                raise CannotEvaluate(
                    f"{model.name} reads {reference}, which no spec declares", "declare it"
                )
            found = self.result(owner, reference)
            if found.failed:
                raise CannotEvaluate(found.failed, "see there")
            tables[reference] = found.table
            doubts += found.undetermined
        return replace(self.dataset, tables=tables), doubts


def _kept(model: Model, rows: Table, state: _State, order: Sequence[str], doubt: Doubt) -> Table:
    load = model.load
    there = state.table if state.table is not None else rows.with_rows(())
    if load.strategy == "full":
        state.table = rows
    elif load.strategy == "append":
        state.table = append(load, there, rows, doubt)
    else:
        state.table = merge(load, there, rows, order, doubt)
    shown = len(rows.columns) - len(order)
    return Table(rows.columns[:shown], tuple(row[:shown] for row in state.table.rows))


def evaluate_pipeline(
    spec: Spec,
    dataset: Dataset,
    others: Mapping[str, Spec] = NO_OTHERS,
    *,
    engine: Engine | None = None,
    moment: dt.datetime = FIRST_LOAD,
    only: Sequence[str] = (),
) -> dict[str, Result]:
    """The tables of a pipeline after one load into an empty place.

    Args:
        spec: the pipeline.
        dataset: its source tables; a model that it holds is taken as given.
        others: models of other specs by name; those that are read are worked out too.
        engine: to ask for values; one is made and closed if not given.
        moment: when the load happens.
        only: names of models; all of the spec if empty.

    Returns:
        tables by model name; ``failed`` says of a model that it could not be worked out.
    """
    if engine is None:
        with Engine() as own:
            return Warehouse(spec, own, others).load(dataset, moment, only)
    return Warehouse(spec, engine, others).load(dataset, moment, only)


def load_history(
    spec: Spec,
    model: Model,
    batches: Sequence[Dataset],
    moments: Sequence[dt.datetime],
    others: Mapping[str, Spec] = NO_OTHERS,
    *,
    engine: Engine | None = None,
) -> Result:
    """The table of a model after several loads.

    An scd2 model shows its columns, ``valid_from``, ``valid_to`` and ``is_current``; how its
    surrogate key is made is not a matter of the spec.

    Args:
        spec: whose model it is.
        model: the model; what it reads is loaded with it, batch by batch.
        batches: what the sources hold at each load.
        moments: when each load happens.
        others: models of other specs by name.
        engine: to ask for values; one is made and closed if not given.

    Raises:
        CannotEvaluate: an expression has no value for some row, or a table is missing.
    """
    if engine is None:
        with Engine() as own:
            return load_history(spec, model, batches, moments, others, engine=own)
    house = Warehouse(spec, engine, others)
    result = Result(Table(()))
    for batch, moment in zip(batches, moments, strict=True):
        result = house.load(batch, moment, [model.name])[model.name]
        if result.failed:
            raise CannotEvaluate(result.failed, "give rows that the spec has an answer for")
    return result
