"""Faults of a history that rows of its sources cannot show: what the claim does not cover.

The change log keeps books of its own: a digest and a number of each change, and which columns the
source had. They decide between two states that one key has at one moment, which the spec leaves
open, and after the source has changed its shape, which is a property of its own. A fault there
that no rows show is neither killed nor shown to be harmless: it is named, and counted nowhere.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from tools.sql.mutate.mutant import Mutant
from tools.sql.mutate.touched import touched
from tools.sql.parse import SqlError

_TWICE: Final = "it tells apart what one key says twice at one moment, which the spec leaves open"
_SHAPE: Final = "it counts only after the columns of the source have changed"

BOOKS: Final[Mapping[str, str]] = {
    "_row_digest": _TWICE, "_change_id": _TWICE, "_known_columns": _SHAPE, "_recorded_at": _TWICE,
}  # fmt: skip
"""Columns of a change log, and why no rows show a fault in them."""

_FREE: Final = "the spec does not say how it is made"

REASONS: Final = frozenset({_TWICE, _SHAPE, _FREE})
"""Why a fault counts nowhere."""


def beyond(mutant: Mutant, free: Collection[str] = ()) -> str:
    """Why no rows show a fault, when it lies in the books of a change log; else nothing.

    Args:
        mutant: the program with the fault.
        free: columns of which the spec says nothing, such as a surrogate key; lower case.
    """
    books = {**dict.fromkeys(free, _FREE), **BOOKS}
    found = ""
    for one, other in zip(mutant.original.queries, mutant.program.queries, strict=True):
        if one == other:
            continue
        try:
            names = touched(one, other)
        except SqlError:
            return ""
        found = next((books[name] for name in names if name in books), "")
        if not found:
            return ""
    return found
