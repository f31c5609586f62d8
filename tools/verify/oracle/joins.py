"""Joins: what is joined is filtered and brought to one row a key, then put beside the rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tools.spec.transform import Join
from tools.sql.analyse import columns_in
from tools.verify.oracle.engine import CannotEvaluate, column_name
from tools.verify.oracle.frame import Frame, Slot
from tools.verify.oracle.groups import aggregate
from tools.verify.oracle.order import first_rows, order_item
from tools.verify.oracle.reading import Reading, Used


@dataclass(frozen=True)
class Prepared:
    """The rows that a join may meet; ``open`` are those that another row could stand for."""

    frame: Frame
    open: frozenset[int] = frozenset()
    by: frozenset[str] = frozenset()


def prepare(reading: Reading, join: Join, used: Used) -> Prepared:
    """The joined table after its filter and its pick or aggregate."""
    frame = Frame.of(reading.lookup(join.to), join.alias)
    if join.filter is not None and join.filter_at != "after_join":
        frame = reading.true_for(join.filter, frame, join.alias)
    if join.pick is not None:
        return _picked(reading, join, frame, used)
    if join.aggregate is not None:
        parts = join.aggregate
        return Prepared(aggregate(reading, frame, join.alias, parts.by, parts.columns))
    return Prepared(frame)


def _picked(reading: Reading, join: Join, frame: Frame, used: Used) -> Prepared:
    assert join.pick is not None  # noqa: S101  the caller has checked; this is for the type checker
    dialect = reading.spec.dialect
    by = [frame.named(name, join.alias) for name in join.pick.by]
    order = [order_item(text, dialect, frame, join.alias) for text in join.pick.order_by]
    chosen = first_rows(reading.engine, frame, by, order, dialect)
    looked_at = slots_used(frame, used)
    undecided = frozenset(
        at
        for at, first in enumerate(chosen)
        if any(differ(frame, first.index, tie, looked_at) for tie in first.ties)
    )
    names = frozenset(frame.slots[i].name.lower() for i in by)
    return Prepared(frame.keeping(f.index for f in chosen), undecided, names)


def slots_used(frame: Frame, used: Used) -> list[int]:
    """Which values of a frame the model still looks at."""
    return [
        i
        for i, slot in enumerate(frame.slots)
        if (slot.alias.lower(), slot.name.lower()) in used or (None, slot.name.lower()) in used
    ]


def differ(frame: Frame, one: int, two: int, slots: list[int]) -> bool:
    """Whether two rows differ in one of some values."""
    left, right = frame.rows[one], frame.rows[two]
    return any(repr(left[i]) != repr(right[i]) for i in slots)


def join_rows(reading: Reading, rows: Frame, join: Join, used: Used) -> Frame:
    """The rows so far with a table joined to them.

    Raises:
        CannotEvaluate: the join has no ``on``, or that has no value for some pair.
    """
    prepared = prepare(reading, join, used)
    other = prepared.frame
    slots = (*rows.slots, *other.slots)
    pairs, looks_at = _pairs(reading, rows, join, other)
    _note_open(reading, join, prepared, looks_at, {j for _, j in pairs})
    matched = [rows.rows[i] + other.rows[j] for i, j in pairs]
    if join.type in ("left", "full"):
        alone = set(range(len(rows.rows))) - {i for i, _ in pairs}
        matched += [rows.rows[i] + _nothing(other.slots) for i in sorted(alone)]
    if join.type in ("right", "full"):
        alone = set(range(len(other.rows))) - {j for _, j in pairs}
        matched += [_nothing(rows.slots) + other.rows[j] for j in sorted(alone)]
    return Frame(slots, tuple(matched))


def _nothing(slots: Sequence[Slot]) -> tuple[None, ...]:
    return (None,) * len(slots)


def _pairs(
    reading: Reading, rows: Frame, join: Join, other: Frame
) -> tuple[list[tuple[int, int]], set[str]]:
    """The pairs of rows that belong together, and the joined columns that decide on it."""
    if join.type == "cross":
        return [(i, j) for i in range(len(rows.rows)) for j in range(len(other.rows))], set()
    if join.on is None:
        raise CannotEvaluate(f"the join of {join.to} has no on", "say which columns are equal")
    condition = reading.parse(join.on, Frame((*rows.slots, *other.slots), ()))
    reading.note_moment(condition)
    names = {ref.name for ref in columns_in(condition)}
    first = len(rows.slots)
    looks_at = {
        s.name.lower() for i, s in enumerate(other.slots) if column_name(first + i) in names
    }
    sides = ((rows.kinds, rows.rows), (other.kinds, other.rows))
    return reading.engine.pairs(*sides, condition, reading.spec.dialect), looks_at


def _note_open(
    reading: Reading, join: Join, prepared: Prepared, looks_at: set[str], met: set[int]
) -> None:
    """Notes a pick that ties, where the result shows it.

    An undecided row that meets nothing is not shown, if the pick's key alone decides whether it
    meets something and the join drops what meets nothing.
    """
    by_key = looks_at <= prepared.by and join.type in ("left", "inner")
    if prepared.open & met or (prepared.open and not by_key):
        columns = ", ".join(join.pick.order_by if join.pick else [])
        reading.doubt(f"rows of {join.to} tie in the order of pick ({columns})")
