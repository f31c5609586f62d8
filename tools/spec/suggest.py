"""The nearest known name, for messages about unknown ones."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_CUTOFF = 0.6  # difflib's own default: one typo in a short word passes, another word does not
_LISTED = 12


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that looks most like ``name``, case aside, or None when none does."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    matches = difflib.get_close_matches(name.lower(), list(by_lower), n=1, cutoff=_CUTOFF)
    return by_lower[matches[0]] if matches else None


def only_candidate(name: str, known: Iterable[str]) -> str | None:
    """The known name that ``name`` must have meant: the nearest, when no other comes close."""
    by_lower = {candidate.lower(): candidate for candidate in known}
    matches = difflib.get_close_matches(name.lower(), list(by_lower), n=2, cutoff=_CUTOFF)
    return by_lower[matches[0]] if len(matches) == 1 else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint: the nearest known name, else the known names as far as they are few."""
    names = list(known)
    match = nearest(name, names)
    if match is not None:
        return f"did you mean {match!r}?"
    if not names:
        return ""
    more = ", ..." if len(names) > _LISTED else ""
    return f"known: {', '.join(names[:_LISTED])}{more}"
