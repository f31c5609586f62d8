"""Whether two tables hold the same rows, and if not, which rows and which columns differ.

Rows are compared as bags: order does not matter, how often a row comes does. Types count, decimals
are exact, NULL equals NULL and NaN equals NaN.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from tools.verify.dataset import Row, Table
from tools.verify.sample_values import family

_CLOSE = 1e-12
"""Floating point sums depend on the order of rows in the last digits; this much may differ."""


@dataclass(frozen=True)
class Difference:
    """How one table differs from another.

    Args:
        columns: the columns that were compared, as expected.
        missing: rows that are expected and not there, each as often as it is missing.
        extra: rows that are there and not expected.
        values: columns whose values differ in rows of the same key, with (expected, got) of one
            such row.
        kinds: columns whose types differ, with (expected, got).
        absent: columns that are expected and not there.
        added: columns that are there and not expected.
        keyed: whether rows could be told apart by a key, so that ``values`` means something.
    """

    columns: tuple[str, ...]
    missing: tuple[Row, ...] = ()
    extra: tuple[Row, ...] = ()
    values: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    kinds: dict[str, tuple[str, str]] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    keyed: bool = False

    @property
    def rows_differ(self) -> bool:
        """Whether whole rows are missing or too many, not only values of rows of one key."""
        if not self.keyed:
            return bool(self.missing or self.extra)
        return len(self.missing) != len(self.extra) or (bool(self.missing) and not self.values)

    def touches(self, column: str) -> bool:
        """Whether the values, type or existence of a column are not as expected."""
        lowered = column.lower()
        named = (*self.values, *self.kinds, *self.absent)
        return any(name.lower() == lowered for name in named)


def difference(
    expected: Table, got: Table, key: Sequence[str] = (), untyped: Collection[str] = ()
) -> Difference | None:
    """How a table differs from what is expected; None when it does not.

    Args:
        expected: the rows as they should be.
        got: the rows as they are; columns are matched by name, without case.
        key: columns that tell rows apart, so that values are compared row by row.
        untyped: columns of which only the value counts, not which type of number holds it.
    """
    absent = tuple(n for n in expected.names if got.index(n) is None)
    added = tuple(n for n in got.names if expected.index(n) is None)
    shared = tuple(n for n in expected.names if n not in absent)
    loose = {n.lower() for n in untyped}
    kinds = {}
    for name in shared:
        pair = (_kind(expected, name), _kind(got, name))
        if pair[0] != pair[1] and not (name.lower() in loose and _are_numbers(pair)):
            kinds[name] = pair
    exactly = [n.lower() not in loose for n in shared]
    left, right = _project(expected, shared), _project(got, shared)
    missing, extra = _leftovers(left, right, exactly)
    if not (absent or added or kinds or missing or extra):
        return None
    places = _key_places(shared, key, left, right)
    values = _by_key(shared, missing, extra, places, exactly) if places else {}
    return Difference(
        shared, tuple(missing), tuple(extra), values, kinds, absent, added, keyed=bool(places)
    )


def _are_numbers(kinds: Sequence[str]) -> bool:
    return all(family(k) in ("integer", "decimal", "double") or k == "int128" for k in kinds)


def _kind(table: Table, name: str) -> str:
    index = table.index(name)
    return table.columns[index][1].lower() if index is not None else ""


def _project(table: Table, names: Sequence[str]) -> list[Row]:
    places = [i for i in (table.index(n) for n in names) if i is not None]
    return [tuple(row[i] for i in places) for row in table.rows]


def exact(value: Any) -> Any:
    """A form in which values are equal exactly if they are the same value of the same type."""
    if isinstance(value, float):
        return ("float", "NaN") if math.isnan(value) else ("float", value)
    if isinstance(value, bool) or value is None:
        return value is None, value
    if isinstance(value, Decimal):
        return ("number", value.normalize() if value else Decimal(0))
    if isinstance(value, list | tuple):
        return tuple(exact(v) for v in value)
    if isinstance(value, dict):
        return tuple((k, exact(v)) for k, v in value.items())
    return (type(value).__name__, value)


def _leftovers(
    left: Sequence[Row], right: Sequence[Row], exactly: Sequence[bool]
) -> tuple[list[Row], list[Row]]:
    """The rows of each side that have no partner on the other."""
    waiting: dict[Any, list[Row]] = {}
    for row in right:
        waiting.setdefault(exact(row), []).append(row)
    missing = []
    for row in left:
        partners = waiting.get(exact(row))
        if partners:
            partners.pop()
        else:
            missing.append(row)
    rest, kept = [], [row for rows in waiting.values() for row in rows]
    for row in missing:  # pairs that differ in the last digits only, or in an undeclared type
        partner = next((i for i, o in enumerate(kept) if _same_row(row, o, exactly)), None)
        if partner is None:
            rest.append(row)
        else:
            del kept[partner]
    return rest, kept


def _same_row(one: Row, two: Row, exactly: Sequence[bool]) -> bool:
    return all(equal(*cells) for cells in zip(one, two, exactly, strict=True))


def equal(one: Any, two: Any, exactly: bool = True) -> bool:
    """Whether two values are the same, floating point numbers but for their last digits.

    Args:
        one: a value.
        two: another one.
        exactly: a decimal is no floating point number, even of the same value.
    """
    floats = isinstance(one, float) and isinstance(two, float)
    numbers = all(isinstance(v, int | float | Decimal) for v in (one, two))
    booleans = isinstance(one, bool) or isinstance(two, bool)
    if floats or (numbers and not exactly and not booleans):
        both_nan = math.isnan(one) and math.isnan(two)
        return both_nan or math.isclose(one, two, rel_tol=_CLOSE)
    return bool(exact(one) == exact(two))


def _key_places(
    names: Sequence[str], key: Sequence[str], left: Sequence[Row], right: Sequence[Row]
) -> list[int]:
    """Where the key stands; nowhere if it does not tell the rows of both sides apart."""
    lowered = [n.lower() for n in names]
    places = [lowered.index(k.lower()) for k in key if k.lower() in lowered]
    if len(places) < len(key):
        return []
    for rows in (left, right):
        keys = {exact(tuple(row[i] for i in places)) for row in rows}
        if len(keys) < len(rows):
            return []
    return places


def _by_key(
    names: Sequence[str],
    missing: Sequence[Row],
    extra: Sequence[Row],
    places: Sequence[int],
    exactly: Sequence[bool],
) -> dict[str, tuple[Any, Any]]:
    """The columns that differ between the rows of one key, with an example of each."""
    others = {exact(tuple(row[i] for i in places)): row for row in extra}
    found: dict[str, tuple[Any, Any]] = {}
    for row in missing:
        other = others.get(exact(tuple(row[i] for i in places)))
        for name, *cells in zip(names, row, other or row, exactly, strict=True):
            if not equal(*cells):
                found.setdefault(name, (cells[0], cells[1]))
    return found
