"""Rows are left out while what they show lasts."""

from __future__ import annotations

from tools.verify.dataset import Dataset, Table
from tools.verify.proof.engine import Batches
from tools.verify.proof.smallest import smallest

COLUMNS = (("id", "integer"),)


def loads(*counts: int) -> Batches:
    return tuple(
        Dataset({"a": Table(COLUMNS, tuple((i,) for i in range(n))), "b": Table(COLUMNS, ((7,),))})
        for n in counts
    )


def test_two_rows_that_need_each_other_stay() -> None:
    def holds(batches: Batches) -> bool:
        ids = {row[0] for b in batches for row in b.tables["a"].rows}
        return {3, 41} <= ids

    found = smallest(loads(50), holds, 10)
    assert [sorted(b.tables["a"].rows) for b in found] == [[(3,), (41,)]]
    assert found[0].tables["b"].rows == ()


def test_loads_that_show_nothing_are_left_out() -> None:
    found = smallest(loads(5, 6, 5), lambda b: any(len(x.tables["a"].rows) > 0 for x in b), 10)
    assert len(found) == 1
    assert found[0].size == 1


def test_without_time_everything_stays() -> None:
    given = loads(5, 6)
    assert smallest(given, lambda _: True, 0) == given
