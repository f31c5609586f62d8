"""Tables that are added to or merged into, load by load."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from typing import Any

from tools.spec.transform import Load
from tools.verify.dataset import Row, Table
from tools.verify.oracle.frame import same
from tools.verify.oracle.order import compare

Doubt = Callable[[str], None]
"""Takes note of something that the spec leaves open."""

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def append(load: Load, there: Table, incoming: Table, doubt: Doubt) -> Table:
    """Adds the rows whose cursor is beyond what is there; the first load takes every row.

    Args:
        load: names the cursor.
        there: the table before this load.
        incoming: what the transformation gives now.
        doubt: told where the spec leaves something open.
    """
    if not there.rows:
        return incoming
    at = _place(incoming, load.cursor or "")
    newest = _greatest(row[at] for row in there.rows)
    if newest is None:
        doubt("no row that is there has a cursor, so nothing says what is beyond it")
        return there
    known = [row for row in incoming.rows if row[at] is not None]
    if len(known) < len(incoming.rows):
        doubt("a row without cursor is neither beyond what is there nor before it")
    return there.with_rows((*there.rows, *(r for r in known if compare(r[at], newest) > 0)))


def merge(load: Load, there: Table, incoming: Table, order: Sequence[str], doubt: Doubt) -> Table:
    """One row a key; what comes in replaces what is there, unless that is the later one.

    ``incremental`` looks only at rows at or beyond the newest cursor less the lookback. The later
    of two rows is that with the greater ``effective_at``, ``cursor``, ``sequence_by``, as far as
    they are given; what has none of them is earlier than what has.

    Args:
        load: names key, cursor and sequence.
        there: the table before this load.
        incoming: what the transformation gives now.
        order: the columns at the end that say which of two rows is later, most telling first.
        doubt: told where the spec leaves something open.
    """
    keys = [_place(incoming, k) for k in load.key]
    shown = len(incoming.columns) - len(order)
    ordering = [_place(incoming, n) for n in order]
    rows = _within_reach(load, there, incoming, doubt)
    merged: dict[Any, Row] = {}
    for row in there.rows:
        merged[tuple(same(row[k]) for k in keys)] = row
    latest: dict[Any, Row] = {}
    for row in rows:
        key = tuple(same(row[k]) for k in keys)
        if any(row[k] is None for k in keys):
            doubt("a row has no key to merge by")
        known = latest.get(key)
        latest[key] = row if known is None else _later(known, row, ordering, shown, doubt)
    for key, row in latest.items():
        known = merged.get(key)
        if known is None or _order(row, known, ordering, doubt) >= 0:
            merged[key] = row
    return incoming.with_rows(merged.values())


def _within_reach(load: Load, there: Table, incoming: Table, doubt: Doubt) -> Sequence[Row]:
    reads_all = load.strategy != "incremental" or load.cursor is None or load.lookback is None
    if reads_all or load.cursor is None or not there.rows:
        return incoming.rows
    at = _place(incoming, load.cursor)
    newest = _greatest(row[at] for row in there.rows)
    if newest is None:
        doubt("no row that is there has a cursor, so nothing says what is at or beyond it")
        return ()
    since = _before(newest, load.lookback)
    known = [row for row in incoming.rows if row[at] is not None]
    if len(known) < len(incoming.rows):
        doubt("a row without cursor is neither at or beyond what is there nor before it")
    return [row for row in known if compare(_moment_like(row[at], since), since) >= 0]


def _before(value: Any, lookback: str | None) -> Any:
    """A cursor less the lookback; a day is taken as its first moment."""
    match = re.match(r"(\d+)\s*([smhdw])$", lookback or "")
    if match is None:
        return value
    span = dt.timedelta(**{_UNITS[match[2]]: int(match[1])})
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        value = dt.datetime(value.year, value.month, value.day)  # noqa: DTZ001 - a day of the data
    return value - span


def _moment_like(value: Any, other: Any) -> Any:
    if isinstance(other, dt.datetime) and not isinstance(value, dt.datetime):
        return dt.datetime(value.year, value.month, value.day)  # noqa: DTZ001 - a day of the data
    return value


def _later(one: Row, two: Row, order: Sequence[int], shown: int, doubt: Doubt) -> Row:
    """The later of two rows of one load; notes when nothing says which that is."""
    found = _order(one, two, order, doubt)
    if found == 0 and same(one[:shown]) != same(two[:shown]):
        doubt("two rows of one key in one load, and nothing says which is the later one")
    return one if found > 0 else two


def _order(one: Row, two: Row, order: Sequence[int], doubt: Doubt) -> int:
    """1 when ``one`` is later, -1 when ``two`` is, 0 when the spec does not say."""
    for index in order:
        left, right = one[index], two[index]
        if (left is None) != (right is None):
            doubt("a row has nothing in a column that orders changes, and another row has")
            return -1 if left is None else 1
        found = 0 if left is None else compare(left, right)
        if found:
            return found
    return 0


def _greatest(values: Any) -> Any:
    greatest = None
    for value in values:
        if value is not None and (greatest is None or compare(value, greatest) > 0):
            greatest = value
    return greatest


def _place(table: Table, name: str) -> int:
    index = table.index(name)
    assert index is not None, name  # noqa: S101  the warehouse asks for every column that is named
    return index
