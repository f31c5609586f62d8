"""Cron expressions: five fields, or a preset such as ``@hourly``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

PRESETS: Final = (
    "@once", "@hourly", "@daily", "@midnight", "@weekly", "@monthly", "@quarterly", "@yearly",
    "@annually",
)  # fmt: skip
_MONTHS: Final[Sequence[str]] = "jan feb mar apr may jun jul aug sep oct nov dec".split()
_DAYS: Final[Sequence[str]] = "sun mon tue wed thu fri sat".split()
_FIELDS: Final[tuple[tuple[str, int, int, Sequence[str]], ...]] = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 7, _DAYS),
)
_ITEM = re.compile(r"^(?:(?P<all>\*)|(?P<low>\w+)(?:-(?P<high>\w+))?)(?:/(?P<step>\d+))?$")


def problem(schedule: str) -> str | None:
    """What is wrong with a schedule, or None.

    The fields are those of crontab(5), with lists, ranges, steps and English names of months and
    days; none of the extensions (seconds, ``L``, ``#``, ``?``) that only some schedulers know.
    """
    text = schedule.strip()
    if text.startswith("@"):
        return None if text in PRESETS else f"{text} is none of {', '.join(PRESETS)}"
    fields = text.split()
    if len(fields) != len(_FIELDS):
        names = ", ".join(name for name, *_ in _FIELDS)
        return f"it has {len(fields)} fields, and cron has five: {names}"
    for field, (name, low, high, words) in zip(fields, _FIELDS, strict=True):
        for item in field.split(","):
            wrong = _wrong(item, low, high, words)
            if wrong:
                return f"{name} {field!r}: {wrong}"
    return None


def _wrong(item: str, low: int, high: int, words: Sequence[str]) -> str | None:
    match = _ITEM.match(item)
    if match is None:
        return f"{item!r} is no number, range or step"
    numbers = [_number(match[group], low, words) for group in ("low", "high") if match[group]]
    if any(n is None or not low <= n <= high for n in numbers):
        return f"{item!r} is not within {low} to {high}"
    first, *rest = [n for n in numbers if n is not None] or [low]
    if rest and rest[0] < first:
        return f"the range {item!r} runs backwards"
    if match["step"] is not None and int(match["step"]) == 0:
        return f"{item!r} has a step of 0"
    return None


def _number(text: str, low: int, words: Sequence[str]) -> int | None:
    if text.isascii() and text.isdigit():
        return int(text) if len(text) <= 4 else None
    return words.index(text.lower()) + low if text.lower() in words else None
