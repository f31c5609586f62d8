"""Histories that hypothesis makes up, shrunk when they are wrong, against a plain fold.

The changes of a few keys arrive shuffled, split into batches, late, more than once and replayed.
Whatever the arrival, the compiled code has to give what a fold over the changes in order gives.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.tools.verify.proof.compiled import case_of
from tools.spec.model import Spec
from tools.verify.dataset import Dataset, Table
from tools.verify.mutants.clock import Clock
from tools.verify.proof.agree import Case
from tools.verify.proof.engine import run_loads

EPOCH = dt.datetime(2024, 1, 1)
TYPES = {
    "id": "integer", "name": "varchar", "at": "timestamp", "seq": "integer", "op": "varchar",
}  # fmt: skip


@dataclass(frozen=True)
class Change:
    """A row of the feed: the state of a key from an hour on, or its end."""

    key: int
    hour: int
    turn: int
    name: str | None
    gone: bool = False

    @property
    def row(self) -> tuple[Any, ...]:
        at = EPOCH + dt.timedelta(hours=self.hour)
        return (self.key, self.name, at, self.turn, "D" if self.gone else "U")


Batches = tuple[tuple[Change, ...], ...]
Version = tuple[int, str | None, dt.datetime, dt.datetime | None, bool]


@st.composite
def arrivals(draw: st.DrawFn) -> Batches:
    """Changes in some order, cut into batches; some come twice, and some batches come again."""
    places = st.tuples(st.integers(1, 2), st.integers(0, 5))
    states = st.tuples(st.sampled_from(["a", "b", "", None]), st.booleans())
    found = draw(st.lists(st.tuples(places, states), min_size=1, max_size=8))
    story = [Change(k, h, n, name, gone) for n, ((k, h), (name, gone)) in enumerate(found)]
    order = draw(st.permutations(story))
    cuts = sorted(draw(st.sets(st.integers(1, max(1, len(order) - 1)), max_size=3)))
    batches = [tuple(order[a:b]) for a, b in zip([0, *cuts], [*cuts, len(order)], strict=True)]
    batches = [b for b in batches if b]
    twice = draw(st.lists(st.sampled_from(story), max_size=2))
    batches[-1] += tuple(twice)
    return (*batches, *draw(st.lists(st.sampled_from(batches), max_size=2)))


def folded(batches: Sequence[Sequence[Change]]) -> list[Version]:
    """The history in a few lines: changes in order, the last word of a moment counts."""
    known = {c for batch in batches for c in batch}
    found: list[Version] = []
    for key in sorted({c.key for c in known}):
        last = {c.hour: c for c in sorted(known, key=lambda c: c.turn) if c.key == key}
        alive: tuple[str | None, dt.datetime] | None = None
        for hour in sorted(last):
            change, at = last[hour], EPOCH + dt.timedelta(hours=hour)
            if alive and (change.gone or change.name != alive[0]):
                found.append((key, *alive, at, False))
                alive = None
            if not alive and not change.gone:
                alive = (change.name, at)
        if alive:
            found.append((key, *alive, None, True))
    return found


@cache
def feed() -> Case:
    columns = [{"name": n, "type": t, "nullable": n != "id"} for n, t in TYPES.items()]
    table = {
        "name": "feed", "columns": columns, "primary_key": ["id"], "extract": "cdc",
        "operation": {"column": "op", "deleted": ["D"]}, "deletes": {"how": "operation"},
    }  # fmt: skip
    load = {
        "strategy": "scd2", "key": ["id"], "effective_at": "at", "sequence_by": ["seq"],
        "track": ["name"],
    }  # fmt: skip
    model = {"name": "dim", "from": "s.feed", "grain": ["id"], "columns": columns[:2], "load": load}
    source = {"name": "s", "system": "test", "tables": [table]}
    return case_of(Spec.model_validate({"pipeline": "p", "sources": [source], "models": [model]}))


@pytest.fixture(scope="module")
def clock() -> Iterator[Clock]:
    with Clock() as running:
        yield running


def histories(case: Case, batches: Batches, clock: Clock) -> list[list[Version]]:
    """What the code gives after each batch."""
    kinds = tuple(TYPES.items())
    data = tuple(Dataset({"s.feed": Table(kinds, tuple(c.row for c in b))}) for b in batches)
    made = run_loads(case.compiled, case.spec, data, clock, only=["dim"])
    return [
        [
            (r["id"], r["name"], r["valid_from"], r["valid_to"], r["is_current"])
            for r in m.tables["dim"].dicts()
        ]
        for m in made
    ]


def in_order(versions: Sequence[Version]) -> list[Version]:
    return sorted(versions, key=lambda v: (v[0], v[2]))


PATIENT = settings(
    max_examples=40, deadline=None, derandomize=True, database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


@PATIENT
@given(batches=arrivals())
def test_whatever_the_arrival_the_history_is_the_fold(batches: Batches, clock: Clock) -> None:
    found = histories(feed(), batches, clock)
    for load, versions in enumerate(found):
        assert in_order(versions) == folded(batches[: load + 1]), f"after load {load + 1}"


@PATIENT
@given(batches=arrivals())
def test_intervals_follow_each_other(batches: Batches, clock: Clock) -> None:
    for versions in histories(feed(), batches, clock):
        for key in {v[0] for v in versions}:
            mine = in_order([v for v in versions if v[0] == key])
            assert all(v[3] is None or v[2] < v[3] for v in mine)
            assert all(a[3] is not None and a[3] <= b[2] for a, b in pairwise(mine))
            assert sum(v[4] for v in mine) <= 1
            assert all(v[4] == (v[3] is None) for v in mine)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("unit", "old", "new"),
    [
        ("dim", "count(*) filter (where _starts)", "count(*)"),
        ("dim", "_sequence_1 desc", "_sequence_1 asc"),
        ("int_dim__changes", "'D'", "'U'"),
    ],
)
def test_a_wrong_history_is_found_and_shrunk(unit: str, old: str, new: str, clock: Clock) -> None:
    case = feed()
    found = case.compiled.unit(unit)
    assert found is not None
    assert old in found.sql
    broken = case.with_code(
        replace(
            found, sql=found.sql.replace(old, new), incremental=found.incremental.replace(old, new)
        )
    )

    @PATIENT
    @given(batches=arrivals())
    def holds(batches: Batches) -> None:
        sizes.append(sum(map(len, batches)))
        last = histories(broken, batches, clock)[-1]
        assert in_order(last) == folded(batches)

    sizes: list[int] = []
    with pytest.raises(AssertionError):
        holds()
    assert sizes[-1] <= 3  # hypothesis ends with the smallest that fails
