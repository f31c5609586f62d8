"""The same data gives the same rows, today and tomorrow.

Anti-pattern: ``now()`` in a model, ``row_number()`` without an order, ``limit`` without an order.
A re-run gives other rows, so no test and no comparison can prove anything.

Best practice: the moment of a load comes from ``batch_at()``, one for all that it records, and can
be frozen; every choice of a row is ordered down to a tie-break.
"""

from __future__ import annotations

from collections.abc import Iterator

from tools.findings import Location
from tools.rules.breach import Breach, Options
from tools.rules.items import Item

NAME = "deterministic_sql"
ON = ("sql",)


class Params(Options):
    """``kinds`` of query that are looked at: model, test, snapshot."""

    kinds: list[str] = ["model"]


def check(item: Item, params: Params) -> Iterator[Breach]:
    """Yields a breach for each clock and each choice without an order."""
    if item.sql is None or item.sql.kind not in params.kinds:
        return
    found = item.sql.audit()
    for spot in found.clocks:
        where = Location(item.sql.path, spot.line)
        yield Breach(f"{spot.what} gives another value on another run", "use batch_at()", where)
    for spot in found.unordered:
        where = Location(item.sql.path, spot.line)
        yield Breach(
            f"{spot.what} chooses rows by chance", "add an order by with a tie-break", where
        )
