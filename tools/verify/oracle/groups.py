"""Groups of rows, and what is measured of each."""

from __future__ import annotations

from collections.abc import Sequence

from tools.spec.transform import Measure
from tools.sql.analyse import ColumnRef, aggregates_in, columns_in, rename, replace_nodes
from tools.sql.grain import columns_outside_aggregates
from tools.sql.parse import Node, SqlError, column, parse_expression
from tools.verify.dataset import Row, kind_of
from tools.verify.oracle.engine import CannotEvaluate, column_name
from tools.verify.oracle.frame import Frame, Slot, bind, places, same
from tools.verify.oracle.reading import Reading


def numbered(frame: Frame, by: Sequence[int]) -> tuple[list[int], list[Row]]:
    """The number of each row's group, and the key of each group; NULL is a key like any other."""
    numbers: dict[object, int] = {}
    keys: list[Row] = []
    groups = []
    for row in frame.rows:
        key = tuple(row[i] for i in by)
        known = tuple(same(v) for v in key)
        if known not in numbers:
            numbers[known] = len(keys)
            keys.append(key)
        groups.append(numbers[known])
    return groups, keys


def aggregate(
    reading: Reading, frame: Frame, home: str, by: Sequence[str], measures: Sequence[Measure]
) -> Frame:
    """One row a group: its keys and its measures, under ``home``.

    A key that comes from another alias goes by that alias too.
    """
    indexes = [frame.named(name, home) for name in by]
    groups, keys = numbered(frame, indexes)
    trees = [reading.parse(m.expr, frame, home) for m in measures]
    values, kinds = measured(reading, frame, groups, trees, len(keys) if by else None)
    kinds, values = _cast(reading, measures, kinds, values)
    slots = [frame.slots[i] for i in indexes]
    own = [Slot(home, s.name, s.kind) for s in slots]
    extra = [i for i, s in enumerate(slots) if s.alias.lower() != home.lower()]
    named = [Slot(home, m.name, kind) for m, kind in zip(measures, kinds, strict=True)]
    rows = tuple(
        (*key, *measure, *(key[i] for i in extra))
        for key, measure in zip(keys if by else [()], values, strict=True)
    )
    return Frame((*own, *named, *(slots[i] for i in extra)), rows)


def measured(
    reading: Reading, frame: Frame, groups: Sequence[int], trees: Sequence[Node], count: int | None
) -> tuple[list[Row], list[str]]:
    """Aggregates by group number; over all rows, also if there is none, when ``count`` is None."""
    if not trees:
        return [() for _ in range(1 if count is None else count)], []
    if count is None:
        reading.aggregate_values(frame, groups, trees)  # notes what depends on the order of rows
        row, kinds = reading.engine.aggregated(frame.kinds, frame.rows, trees, reading.spec.dialect)
        return [row], kinds
    found, kinds = reading.aggregate_values(frame, groups, trees)
    return [found[number] for number in range(count)], kinds


def _cast(
    reading: Reading, measures: Sequence[Measure], kinds: Sequence[str], values: Sequence[Row]
) -> tuple[list[str], list[Row]]:
    """Measures in the types that the spec declares."""
    dialect = reading.spec.dialect
    wanted = [
        kind_of(m.type, dialect) if m.type else kind
        for m, kind in zip(measures, kinds, strict=True)
    ]
    casts = [f"cast({column_name(i)} as {kind})" for i, kind in enumerate(wanted)]
    if wanted == list(kinds):
        return wanted, list(values)
    return wanted, reading.engine.scalars(kinds, values, casts, "duckdb")[0]


def having(reading: Reading, rows: Frame, grouped: Frame, text: str) -> Frame:
    """The groups for which a condition is true.

    Outside of aggregate calls it speaks of keys and measures, inside of them of the rows.
    """
    model = reading.model
    by = [rows.named(name, reading.home) for name in model.group_by]
    groups, keys = numbered(rows, by)
    # Each row is given the values of its group, so that one expression can see both.
    shown = grouped.rows if model.group_by else grouped.rows * bool(rows.rows)
    beside = tuple(row + shown[group] for row, group in zip(rows.rows, groups, strict=True))
    both = Frame((*rows.slots, *grouped.slots), beside)
    tree = _bound(reading, rows, grouped, text)
    found, _ = measured(reading, both, groups, [tree], len(keys) if model.group_by else None)
    return grouped.keeping(i for i, row in enumerate(found) if row[0])


def _bound(reading: Reading, rows: Frame, grouped: Frame, text: str) -> Node:
    home, dialect = reading.home, reading.spec.dialect
    marks = {s.name: column(s.name, home) for f in (rows, grouped) for s in f.slots}
    try:
        tree = parse_expression(text, dialect, marks)
    except SqlError as error:
        raise CannotEvaluate(f"{text}: {error.message}", f"write it in {dialect}") from error
    outside = columns_outside_aggregates(tree)
    calls = [(call, bind(call, rows, home)) for call in aggregates_in(tree)]
    tree = replace_nodes(tree, calls)
    done = {column_name(i) for i in range(len(rows.slots))}
    filters = [r for r in columns_in(tree) if r not in outside and r.name not in done]
    tree = rename(tree, places(filters, rows, home))
    return rename(tree, _of_groups(outside, grouped, len(rows.slots), home))


def _of_groups(
    refs: Sequence[ColumnRef], grouped: Frame, first: int, home: str
) -> dict[ColumnRef, Node]:
    """The value that all rows of a group have."""
    found = {}
    for ref in refs:
        place = column_name(first + grouped.find(ref.name, ref.table, home))
        found[ref] = parse_expression(f"first({place})", "duckdb")
    return found
