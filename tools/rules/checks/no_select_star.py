"""Columns are listed.

Anti-pattern: ``select *``. A column that the source adds appears in every table downstream, one
that it renames breaks something far away, and nobody can read off what a table holds.

Best practice: name the columns, in the final select and in every CTE. ``count(*)`` is no list.
"""

from __future__ import annotations

from collections.abc import Iterator

from tools.findings import Location
from tools.rules.breach import Breach, Options
from tools.rules.items import Item

NAME = "no_select_star"
ON = ("sql",)


class Params(Options):
    """``kinds`` of query that are looked at; a data test returns whole rows, whatever they are."""

    kinds: list[str] = ["model"]


def check(item: Item, params: Params) -> Iterator[Breach]:
    """Yields a breach for each star in a select list."""
    if item.sql is None or item.sql.kind not in params.kinds:
        return
    for spot in item.sql.audit().stars:
        where = Location(item.sql.path, spot.line)
        yield Breach(f"select {spot.what} takes whatever columns there are", "name them", where)
