"""The fewest rows that still show a difference, with values as plain as they can be.

The search for a smallest failing part is delta debugging (Zeller and Hildebrandt, "Simplifying and
isolating failure-inducing input", 2002), followed by leaving out one row after the other.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from tools.verify.dataset import Dataset, Row

RowId = tuple[int, str, int]
"""Which load, which table, which row."""

Loads = tuple[Dataset, ...]
"""What the sources hold at one load after the other."""

_TEXT = "a"
_DAY = dt.date(2024, 1, 1)


def minimise(
    dataset: Dataset, still_fails: Callable[[Dataset], bool], budget: float = 2.0
) -> Dataset:
    """A smallest part of a data set that still fails; the data set itself if it does not fail.

    Args:
        dataset: rows that show a difference.
        still_fails: whether other rows show it too; it also decides what rows are admissible.
        budget: seconds to spend; what is found by then is returned.
    """
    found = minimise_loads((dataset,), lambda loads: still_fails(loads[0]), budget)
    return found[0]


def minimise_loads(
    loads: Loads, still_fails: Callable[[Loads], bool], budget: float = 2.0
) -> Loads:
    """A smallest part of several loads that still fails.

    Args:
        loads: what the sources hold at each load.
        still_fails: whether other rows show it too; the number of loads stays as it is.
        budget: seconds to spend; what is found by then is returned.
    """
    clock = _Clock(time.monotonic() + budget)
    if not still_fails(loads):
        return loads

    def fails(rows: Sequence[RowId]) -> bool:
        return still_fails(_part(loads, rows))

    kept = _one_by_one(_ddmin(_rows(loads), fails, clock), fails, clock)
    return _plainer(_part(loads, kept), still_fails, clock)


class _Clock:
    """Says when to stop."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline

    @property
    def over(self) -> bool:
        """Whether the time is spent."""
        return time.monotonic() > self._deadline


def _rows(loads: Loads) -> list[RowId]:
    return [
        (number, reference, index)
        for number, dataset in enumerate(loads)
        for reference, table in dataset.tables.items()
        for index in range(len(table.rows))
    ]


def _part(loads: Loads, rows: Sequence[RowId]) -> Loads:
    chosen: list[dict[str, list[int]]] = [{ref: [] for ref in d.tables} for d in loads]
    for number, reference, index in rows:
        chosen[number][reference].append(index)
    return tuple(d.keeping(kept) for d, kept in zip(loads, chosen, strict=True))


def _ddmin(
    rows: list[RowId], fails: Callable[[Sequence[RowId]], bool], clock: _Clock
) -> list[RowId]:
    """Leaves out ever smaller chunks as long as the rest still fails."""
    parts = 2
    while len(rows) >= 2 and not clock.over:
        size = -(-len(rows) // parts)
        chunks = [rows[at : at + size] for at in range(0, len(rows), size)]
        smaller = next((r for r in _candidates(rows, chunks) if not clock.over and fails(r)), None)
        if smaller is not None:
            parts = 2 if len(smaller) <= size else max(parts - 1, 2)
            rows = smaller
        elif parts >= len(rows):
            break
        else:
            parts = min(len(rows), 2 * parts)
    return rows


def _candidates(rows: list[RowId], chunks: list[list[RowId]]) -> Iterator[list[RowId]]:
    """One chunk alone, then everything but one chunk."""
    yield from chunks
    if len(chunks) > 2:
        for chunk in chunks:
            gone = set(chunk)
            yield [row for row in rows if row not in gone]


def _one_by_one(
    rows: list[RowId], fails: Callable[[Sequence[RowId]], bool], clock: _Clock
) -> list[RowId]:
    """Leaves out single rows until none can be spared."""
    at = 0
    while at < len(rows) and not clock.over:
        rest = rows[:at] + rows[at + 1 :]
        if fails(rest):
            rows, at = rest, 0
        else:
            at += 1
    return rows


def _plainer(loads: Loads, still_fails: Callable[[Loads], bool], clock: _Clock) -> Loads:
    """Puts plain values where another value does as well."""
    for number, reference, index in _rows(loads):
        width = len(loads[number].tables[reference].columns)
        for place in range(width):
            now = loads[number].tables[reference].rows[index][place]
            for value in _simpler(now):
                if clock.over:
                    return loads
                tried = _with(loads, (number, reference, index), place, value)
                if still_fails(tried):
                    loads = tried
                    break
    return loads


def _with(loads: Loads, row: RowId, place: int, value: Any) -> Loads:
    number, reference, index = row
    dataset = loads[number]
    table = dataset.tables[reference]
    old = table.rows[index]
    new: Row = (*old[:place], value, *old[place + 1 :])
    rows = (*table.rows[:index], new, *table.rows[index + 1 :])
    tables = {**dataset.tables, reference: table.with_rows(rows)}
    return (*loads[:number], replace(dataset, tables=tables), *loads[number + 1 :])


def _simpler(value: Any) -> Iterator[Any]:
    """Values that are easier to read than a value, plainest first."""
    for candidate in _plain(value):
        if candidate == value:
            return
        yield candidate


def _plain(value: Any) -> tuple[Any, ...]:
    if value is None or isinstance(value, bool):
        return ()
    if isinstance(value, int):
        return (1, 0)
    if isinstance(value, Decimal):
        unit = Decimal(1).scaleb(min(0, int(value.as_tuple().exponent)))
        return tuple(Decimal(n).quantize(unit) for n in (1, 0))
    if isinstance(value, float):
        return (1.0, 0.0)
    if isinstance(value, str):
        return (_TEXT, "")
    if isinstance(value, dt.datetime):
        midnight = dt.datetime(_DAY.year, _DAY.month, _DAY.day, tzinfo=value.tzinfo)
        return (midnight, value.replace(hour=0, minute=0, second=0, microsecond=0))
    return (_DAY,) if isinstance(value, dt.date) else ()
