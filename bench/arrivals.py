"""Loads made by chance alone, for models that keep rows: what the sources hold, again and again.

From one load to the next rows stay, change, vanish, come back as they once were; new ones come.
Nothing here is shared with the fixtures. The oracle says whether the spec has an answer for a
series, and only those on which the code gives that answer are used.
"""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from bench.chance import Maker, told_on
from tools.spec.transform import Model
from tools.sql.equivalent.facts import Declared
from tools.sql.mutate.mutant import Mutant
from tools.verify.dataset import Dataset, Row, Table
from tools.verify.mutants.clock import Clock
from tools.verify.mutants.session import Failed
from tools.verify.oracle.engine import Engine
from tools.verify.proof.agree import Case, subjects_of
from tools.verify.proof.chain import ChainBench
from tools.verify.proof.faults import Field
from tools.verify.proof.fields import Run, fields_of, judged_on
from tools.verify.proof.known import plain
from tools.verify.proof.scenarios import Scenario

_SIZES = (2, 4, 8, 15, 30)
_STEPS = tuple(
    dt.timedelta(**span)
    for span in (
        {"days": -3}, {"days": -2}, {"hours": -1}, {"microseconds": -1}, {"microseconds": 1},
        {"hours": 1}, {"days": 1}, {"days": 2}, {"days": 3}, {"days": 10},
    )
)  # fmt: skip
_FATES = {"stays": 40, "changes": 35, "vanishes": 12, "changes twice": 5, "comes twice": 8}


@dataclass(frozen=True)
class Arrivals:
    """Series of loads on which the code does what the spec says.

    Args:
        fields: with these series, one for each unit of the model, in order.
        used: how many series.
        left_out: how many others, by how the code was judged on them.
    """

    fields: Sequence[Field] = ()
    used: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)


def arrivals(
    case: Case, name: str, runs: Sequence[Run], count: int, *, engine: Engine, clock: Clock
) -> Arrivals:
    """Makes series of loads for a model, and keeps those that tell right from wrong.

    Args:
        case: the code.
        name: the model, which keeps rows.
        runs: of its proof: they give tables and types, and no rows.
        count: how many series to make.
        engine: of the oracle.
        clock: stops queries that run too long.
    """
    model = subjects_of(case).models[name]
    places = fields_of(case, runs, only=[name])[name]
    like = runs[0].scenario.batches[0]
    known = _by_reference(case, places)
    sql = " ".join(u.sql + u.incremental for p in places for u in p.chain.units)
    judged = [
        judged_on(case, Scenario(made[0].name, made), engine, clock, [name])
        for made in (series(like, known, model, sql, seed) for seed in range(count))
    ]
    right = [r for r in judged if r.judged[name].state == "same"]
    left_out = Counter[str](r.judged[name].state for r in judged if r not in right)
    return Arrivals(fields_of(case, right, only=[name])[name], len(right), left_out)


def told(place: Field, faults: Sequence[Mutant], clock: Clock) -> list[Mutant]:
    """The faults of a unit that series of loads tell from the code.

    Args:
        place: the unit with its series.
        faults: of it.
        clock: stops queries that run too long.
    """
    if not faults or not place.series:
        return []
    if not place.staged:
        return told_on(place, faults, [list(s) for s in place.series])
    found: dict[int, Mutant] = {}
    for given in place.series:
        with closing(ChainBench(given[0].name, given, place.chain, clock)) as bench:
            left = [(n, fault) for n, fault in enumerate(faults) if n not in found]
            found |= {n: fault for n, fault in left if _differs(bench, fault)}
    return [found[n] for n in sorted(found)]


def _differs(bench: ChainBench, fault: Mutant) -> bool:
    try:
        return bool(bench.differs(fault))
    except Failed:
        return False  # it does not bind or takes too long: no row says that it is wrong


def _by_reference(case: Case, places: Sequence[Field]) -> dict[str, Declared]:
    """What is declared of the tables of data sets, as far as rows of the proof keep it."""
    called = {plain(relation): ref for relation, ref in case.compiled.sources.items()}
    stand_ins = subjects_of(case).sources
    called |= {plain(u.relation): stand_ins.get(u.name, u.name) for u in case.compiled.units}
    return {
        called[relation]: declared
        for place in places
        for relation, declared in place.facts.items()
        if relation in called
    }


def series(
    like: Dataset, known: Mapping[str, Declared], model: Model, sql: str, seed: int
) -> tuple[Dataset, ...]:
    """Random loads of all tables of a data set; two to five of them.

    Args:
        like: gives the tables and their columns.
        known: what is declared, by reference.
        model: says what tells things apart, and what says when a change came.
        sql: has the literals that are among the values.
        seed: same seed, same rows.
    """
    rng = random.Random(seed)  # noqa: S311 - repeatable, not secret
    size, count = _SIZES[seed % len(_SIZES)], rng.randint(2, 5)
    told_apart, dated = model.load.key, _dated(model)
    tables = {}
    for reference, table in like.tables.items():
        maker = Maker(table, known.get(reference, Declared()), sql, rng, size)
        kept_apart = model.load.strategy == "scd2"
        tables[reference] = Story(maker, told_apart, dated, kept_apart).loads(count)
    return tuple(
        Dataset({r: loads[at] for r, loads in tables.items()}, name=f"loads by chance {seed}")
        for at in range(count)
    )


def _dated(model: Model) -> tuple[str, ...]:
    """The columns that say when a change came, in order of what counts first."""
    load = model.load
    return tuple(n for n in (load.effective_at, load.cursor, *load.sequence_by) if n)


class Story:
    """What becomes of one table from load to load.

    Args:
        maker: makes its rows.
        key: names of columns that never change in a row; those it does not have do not count.
        dated: names of columns that say when a change came; likewise.
        agrees: whether no load may say something else of one key at one moment.
    """

    def __init__(
        self, maker: Maker, key: Sequence[str], dated: Sequence[str], agrees: bool
    ) -> None:
        self._maker, self._rng = maker, maker.rng
        self._key, self._dated = self._places(key), self._places(dated)
        self._agrees = agrees and bool(self._dated)
        self._said: dict[Row, Row] = {}
        self._ever: list[Row] = []

    def loads(self, count: int) -> list[Table]:
        """The table at each of several loads."""
        found = [self._load(self._maker.table().rows)]
        while len(found) < count:
            again = self._rng.random() < 0.15
            found.append(found[-1] if again else self._load(self._next(found[-1].rows)))
        return found

    def _places(self, names: Collection[str]) -> list[int]:
        found = (self._maker.like.index(n) for n in names)
        return [at for at in found if at is not None]

    def _load(self, rows: Iterable[Row]) -> Table:
        """A load without rows that break a key or contradict what was said before."""
        kept = [row for row in self._maker.distinct(rows) if not self._contradicts(row)]
        self._ever += kept
        return self._maker.like.with_rows(kept)

    def _contradicts(self, row: Row) -> bool:
        place = tuple(row[at] for at in (*self._key, *self._dated))
        return self._agrees and self._said.setdefault(place, row) != row

    def _next(self, before: Sequence[Row]) -> list[Row]:
        rng = self._rng
        rows = [later for row in before for later in self._after(row)]
        rows += rng.sample(self._ever, min(len(self._ever), rng.randint(0, 2)))  # as they once were
        rows += [self._maker.row() for _ in range(rng.randint(0, 1 + self._maker.size // 4))]
        rng.shuffle(rows)
        return rows

    def _after(self, row: Row) -> list[Row]:
        """What a row is in the next load; where a key allows it, it may come more than once."""
        fate = self._rng.choices(list(_FATES), list(_FATES.values()))[0]
        changed = {"changes": 1, "changes twice": 2, "comes twice": 1}.get(fate, 0)
        found = [self._changed(row) for _ in range(changed)]
        return [row, *found] if fate in ("stays", "comes twice") else found

    def _changed(self, row: Row) -> Row:
        """Other values in some columns, most often with another moment."""
        values, rng = list(row), self._rng
        free = [at for at in range(len(values)) if at not in (*self._key, *self._dated)]
        for at in rng.sample(free, min(len(free), rng.randint(0, 3))):
            values[at] = self._maker.value(at)
        for at in self._dated:
            if rng.random() < 0.8:
                values[at] = self._moved(values[at], at)
        return self._maker.kept(tuple(values))

    def _moved(self, value: Any, at: int) -> Any:
        """Another moment, most often a later one that is not far; a number goes up or down."""
        if value is None or self._rng.random() < 0.2:
            return self._maker.value(at)
        step = self._rng.choice(_STEPS)
        if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
            return value + dt.timedelta(days=step.days)
        return value + (step if isinstance(value, dt.datetime) else step.days)
