"""Two loads made of one data set: what an incremental model has to take without harm."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, replace

from tools.sql.traced import BaseColumn
from tools.verify.dataset import Dataset, Row, Table
from tools.verify.fixtures.loads import moved

Make = Callable[[Dataset], "tuple[Dataset, Dataset] | None"]
_DAY = dt.timedelta(days=1)


@dataclass(frozen=True)
class Step:
    """A way in which rows arrive.

    Args:
        name: of the claim.
        make: the two loads; None when the rows do not allow it.
        from_nothing: whether the first load may leave an empty table.
        wrong: what is said when the model does not take it.
        missed: likewise, where it may be meant so.
    """

    name: str
    make: Make
    from_nothing: bool = False
    wrong: str = ""
    missed: str = ""


def steps(cursor: BaseColumn | None) -> tuple[Step, ...]:
    """The ways to try: the first two have to hold, the others may be meant otherwise.

    Args:
        cursor: the column that the load looks at; None when there is none.
    """
    again = Step(
        "same loaded twice", lambda d: (d, d),
        wrong="loading the same rows again changes the table",
    )  # fmt: skip
    later = Step(
        "incremental = full refresh", lambda d: _split(d, cursor),
        wrong="rows that come later do not give what a full refresh gives",
    )  # fmt: skip
    empty = Step(
        "a table that begins empty", lambda d: (_emptied(d), d), from_nothing=True,
        missed="after a first load without rows, later rows are not taken in",
    )  # fmt: skip
    if cursor is None:
        return (again, later, empty)
    late = Step(
        "late rows", lambda d: _late(d, cursor),
        missed="a row that comes late is not taken in, or not as a full refresh takes it",
    )  # fmt: skip
    tie = Step(
        "rows of the newest moment", lambda d: _tie(d, cursor),
        missed="a further row of the newest moment is not taken as a full refresh takes it",
    )  # fmt: skip
    return (again, later, empty, tie, late)


def _emptied(dataset: Dataset) -> Dataset:
    return replace(dataset, tables={r: t.with_rows(()) for r, t in dataset.tables.items()}, why={})


def _with(dataset: Dataset, relation: str, table: Table) -> Dataset:
    return replace(dataset, tables={**dataset.tables, relation: table}, why={})


def _split(dataset: Dataset, cursor: BaseColumn | None) -> tuple[Dataset, Dataset] | None:
    """The earlier rows, then all; by position where there is no cursor."""
    if cursor is None:
        halves = {r: t.with_rows(t.rows[: len(t.rows) // 2]) for r, t in dataset.tables.items()}
        return replace(dataset, tables=halves, why={}), dataset
    found = _ordered(dataset, cursor)
    if found is None:
        return None
    table, at, rows = found
    middle = rows[(len(rows) - 1) // 2][at]
    earlier = [r for r in rows if r[at] <= middle]
    whole = _with(dataset, cursor[0], table.with_rows(rows))
    if len(earlier) == len(rows):
        return None
    return _with(dataset, cursor[0], table.with_rows(earlier)), whole


def _ordered(dataset: Dataset, cursor: BaseColumn) -> tuple[Table, int, list[Row]] | None:
    table = dataset.table(cursor[0])
    at = table.index(cursor[1]) if table is not None else None
    if table is None or at is None:
        return None
    known = [r for r in table.rows if r[at] is not None]
    try:
        rows = sorted(known, key=lambda r: r[at])
    except TypeError:
        return None
    return (table, at, rows) if len(rows) > 1 else None


def _late(dataset: Dataset, cursor: BaseColumn) -> tuple[Dataset, Dataset] | None:
    """A row from before all others comes with the second load."""
    return _beside(dataset, cursor, lambda _: 0, -_DAY * 30)


def _tie(dataset: Dataset, cursor: BaseColumn) -> tuple[Dataset, Dataset] | None:
    """A row of the newest moment comes with the second load."""
    return _beside(dataset, cursor, lambda rows: len(rows) - 1, dt.timedelta(0))


def _beside(
    dataset: Dataset, cursor: BaseColumn, which: Callable[[list[Row]], int], step: dt.timedelta
) -> tuple[Dataset, Dataset] | None:
    """All rows but one, then that one too, at a moment beside another row's."""
    found = _ordered(dataset, cursor)
    if found is None:
        return None
    table, at, rows = found
    kind = table.columns[at][1]
    place = rows[which(rows)][at]
    spare = rows[len(rows) // 2]
    try:
        value = place if step == dt.timedelta(0) else moved(place, kind, step)
    except OverflowError:
        return None
    row = (*spare[:at], value, *spare[at + 1 :])
    rest = [r for r in rows if r is not spare]
    one = _with(dataset, cursor[0], table.with_rows(rest))
    return one, _with(dataset, cursor[0], table.with_rows([*rest, row]))
