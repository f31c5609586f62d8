"""Readable values of every type: the n-th customer, the n-th price."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from collections.abc import Callable
from decimal import Decimal

INTEGERS = frozenset(
    """tinyint smallint integer int bigint hugeint
    utinyint usmallint uinteger ubigint uhugeint""".split()
)
"""DuckDB's integer types."""
_QUANTITIES = (1, 2, 5, 2, 10, 3, 1, 4)
_AMOUNTS = ("19.90", "5.00", "120.00", "19.90", "42.50", "250.00", "7.25", "80.00")
_WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("mail", ("ann@example.com", "bob@example.com", "Cleo@Example.com", "dan@example.org")),
    ("phone", ("+1 (415) 555-0101", "0044 20 7946 0102", "415 555 0103", "+49 30 5550104")),
    ("currency", ("USD", "EUR", "GBP", "USD")),
    ("country", ("US", "DE", "GB", "US")),
    ("city", ("San Francisco", "Berlin", "London", "Berlin")),
    ("postal", ("94105", "10115", "SW1A 1AA", "10115")),
    ("zip", ("94105", "10115", "SW1A 1AA", "10115")),
    ("url", ("https://example.com/1", "https://example.com/2")),
    ("name", ("Ann Lee", "Bob O'Neil", "Cleo Müller", "Ann Lee")),
)
_FIRST = dt.datetime(2024, 1, 1, 9, 0)  # noqa: DTZ001 - a wall-clock value of the data, not a moment
_SCALE = re.compile(r"\(\s*(\d+)\s*,\s*(\d+)\s*\)")


def family(kind: str) -> str:
    """What a DuckDB type is about: integer, decimal, double, text, boolean, date, moment..."""
    base = re.split(r"[ (\[]", kind.lower(), maxsplit=1)[0]
    if kind.endswith("]"):
        return "list"
    if base in INTEGERS:
        return "integer"
    known = {
        "decimal": "decimal", "numeric": "decimal", "double": "double", "float": "double",
        "real": "double", "varchar": "text", "text": "text", "char": "text", "boolean": "boolean",
        "bool": "boolean", "date": "date", "time": "time", "timestamp": "moment",
        "timestamptz": "moment", "datetime": "moment", "json": "json", "uuid": "uuid",
        "interval": "interval", "blob": "text", "struct": "struct", "map": "struct",
    }  # fmt: skip
    return known.get(base, "moment" if base.startswith("timestamp") else "other")


def value_of(name: str, kind: str, number: int, *, key: bool = True) -> str:
    """The text of a value.

    Args:
        name: of the column; it suggests e-mail addresses, currencies and the like.
        kind: the DuckDB type.
        number: which value, from 0.
        key: different numbers give different values; otherwise values repeat.
    """
    makers: dict[str, Callable[[], str]] = {
        "integer": lambda: str(number + 1 if key else _QUANTITIES[number % len(_QUANTITIES)]),
        "decimal": lambda: _decimal(kind, str(number + 1) if key else _AMOUNTS[number % 8]),
        "double": lambda: f"{number + 1}.0" if key else _AMOUNTS[number % len(_AMOUNTS)],
        "boolean": lambda: "true" if number % 3 == 2 else "false",
        "date": lambda: (_FIRST + dt.timedelta(days=number)).date().isoformat(),
        "time": lambda: f"{number % 24:02d}:00:00",
        "moment": lambda: str(_FIRST + dt.timedelta(days=number)),
        "json": lambda: "{}",
        "uuid": lambda: str(uuid.UUID(int=number + 1)),
        "interval": lambda: f"{number + 1} days",
        "list": lambda: "[]",
        "struct": lambda: "{}",
    }
    maker = makers.get(family(kind))
    return maker() if maker else _word(name, number, key=key)


def _decimal(kind: str, text: str) -> str:
    """A number that fits precision and scale."""
    found = _SCALE.search(kind)
    precision, scale = (int(found[1]), int(found[2])) if found else (18, 3)
    value = Decimal(text).quantize(Decimal(1).scaleb(-scale))
    return str(value % Decimal(10) ** (precision - scale))


def _word(name: str, number: int, *, key: bool) -> str:
    lowered = name.lower()
    known = next((words for part, words in _WORDS if part in lowered), None)
    if known and not key:
        return known[number % len(known)]
    if known and number < len(dict.fromkeys(known)):
        return list(dict.fromkeys(known))[number]
    stem = re.sub(r"(_id|_key|_code|id)$", "", lowered).strip("_") or "item"
    return f"{stem} {number + 1 if key else number % 3 + 1}"
