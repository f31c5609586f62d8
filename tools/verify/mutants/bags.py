"""Bags of rows compared where a fingerprint cannot: floating point numbers may differ a little."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

_TOLERANCE = 1e-9  # relative; sums of doubles depend on their order in the last few bits
_DIGITS = 9

Row = tuple[Any, ...]


def same_bag(expected: Sequence[Row], found: Sequence[Row]) -> bool:
    """Whether two bags of rows are equal; floats may differ by one part in a billion."""
    if len(expected) != len(found):
        return False
    if Counter(map(_rounded, expected)) == Counter(map(_rounded, found)):
        return True
    one, other = sorted(expected, key=_order), sorted(found, key=_order)
    return all(_same_row(a, b) for a, b in zip(one, other, strict=True))


def difference(expected: Sequence[Row], found: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """The rows that only the first bag has, and those that only the second has, in order."""
    left, right = Counter(map(_rounded, expected)), Counter(map(_rounded, found))
    missing, extra = left - right, right - left
    return _pick(expected, missing), _pick(found, extra)


def _pick(rows: Sequence[Row], wanted: Counter[Any]) -> list[Row]:
    rest = Counter(wanted)
    chosen = []
    for row in rows:
        key = _rounded(row)
        if rest[key] > 0:
            rest[key] -= 1
            chosen.append(row)
    return chosen


def _rounded(value: Any) -> Any:
    """A value that can be counted: floats to nine digits, containers as tuples."""
    if isinstance(value, float):
        if not math.isfinite(value) or value == 0:
            return ("float", str(abs(value) if value == 0 else value))
        return ("float", f"{value:.{_DIGITS}g}")
    if isinstance(value, tuple | list):
        return tuple(_rounded(v) for v in value)
    if isinstance(value, dict):
        return tuple((k, _rounded(v)) for k, v in value.items())
    return (type(value).__name__, value if value.__hash__ is not None else repr(value))


def _order(row: Row) -> Any:
    """Sorts by what is exact first, so that rows which belong together stand together."""
    exact = tuple(str(_rounded(v)) for v in row if not isinstance(v, float))
    return exact, tuple(math.inf if math.isnan(v) else v for v in row if isinstance(v, float))


def _same_row(one: Row, other: Row) -> bool:
    return all(_same(a, b) for a, b in zip(one, other, strict=True))


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        both_nan = math.isnan(one) and math.isnan(other)
        return both_nan or math.isclose(one, other, rel_tol=_TOLERANCE, abs_tol=1e-12)
    return bool(_rounded(one) == _rounded(other))
