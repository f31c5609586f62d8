"""Random loads keep what is declared, and rows do in them what rows of sources do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pytest

from bench.arrivals import series
from tools.spec.transform import Model
from tools.sql.equivalent.facts import Column, Declared
from tools.verify.dataset import Dataset, Table

KINDS = (("id", "integer"), ("name", "varchar"), ("at", "timestamp"), ("n", "integer"))
LIKE = Dataset({"s.t": Table(KINDS)})
HISTORY = {"strategy": "scd2", "key": ["id"], "effective_at": "at", "sequence_by": ["n"]}
MERGED = {"strategy": "incremental", "key": ["id"], "cursor": "at"}


def model(load: Mapping[str, object]) -> Model:
    return Model.model_validate({"name": "m", "from": "s.t", "load": load})


def declared(*keys: tuple[str, ...]) -> dict[str, Declared]:
    columns = [Column(n, k, nullable=n == "name") for n, k in KINDS]
    return {"s.t": Declared(tuple(columns), keys)}


def tables(seed: int, load: Mapping[str, object], *keys: tuple[str, ...]) -> list[Table]:
    return [d.tables["s.t"] for d in series(LIKE, declared(*keys), model(load), "'x'", seed)]


@pytest.mark.parametrize("seed", range(10))
def test_keys_and_required_columns_are_kept_at_each_load(seed: int) -> None:
    for table in tables(seed, HISTORY, ("id",)):
        ids = [row[0] for row in table.rows]
        assert len(set(ids)) == len(ids)
        assert all(row[at] is not None for row in table.rows for at in (0, 2, 3))


@pytest.mark.parametrize("seed", range(10))
def test_a_history_says_one_thing_of_a_key_at_a_moment(seed: int) -> None:
    said: dict[object, object] = {}
    for row in (row for table in tables(seed, HISTORY) for row in table.rows):
        assert said.setdefault((row[0], row[2], row[3]), row) == row


def test_rows_stay_change_vanish_come_back_and_appear() -> None:
    seen = Counter[str]()
    for seed in range(20):
        loads = tables(seed, MERGED, ("id",))
        assert 2 <= len(loads) <= 5
        for at in range(1, len(loads)):
            before, now = (set(loads[n].rows) for n in (at - 1, at))
            ever = {row for table in loads[:at] for row in table.rows}
            ids, known = ({row[0] for row in rows} for rows in (now, ever))
            seen["stays"] += len(now & before)
            seen["changes"] += sum(r[0] in {b[0] for b in before} for r in now - before)
            seen["vanishes"] += len({b[0] for b in before} - ids)
            seen["comes back"] += len((now & ever) - before)
            seen["appears"] += len(ids - known)
            seen["all again"] += loads[at] == loads[at - 1]
    assert set(seen) == {"stays", "changes", "vanishes", "comes back", "appears", "all again"}
    assert all(count > 2 for count in seen.values()), seen


def test_where_no_key_forbids_it_a_key_comes_more_than_once_in_a_load() -> None:
    found = [t for seed in range(10) for t in tables(seed, MERGED, ("id", "at"))]
    assert any(len({r[0] for r in t.rows}) < len(t.rows) for t in found)


def test_same_seed_same_rows() -> None:
    assert tables(3, HISTORY) == tables(3, HISTORY)
    assert tables(3, HISTORY) != tables(4, HISTORY)
