"""Generated SQL names tables by ``ref()`` and ``source()``, never by schema.

Anti-pattern: ``from analytics.dim_order``. dbt does not know that it has to be built first, and the
development run reads production.

Best practice: ``{{ ref('dim_order') }}``, ``{{ source('shop', 'order') }}``.
"""

from __future__ import annotations

from collections.abc import Iterator

from tools.findings import Location
from tools.rules.breach import Breach, Options
from tools.rules.items import Item

NAME = "no_fixed_relations"
ON = ("sql",)


class Params(Options):
    """``kinds`` of query that are looked at."""

    kinds: list[str] = ["model", "test", "snapshot"]


def check(item: Item, params: Params) -> Iterator[Breach]:
    """Yields a breach for each table that is named directly, and each file that is read."""
    if item.sql is None or item.sql.kind not in params.kinds:
        return
    for spot in item.sql.audit().tables:
        where = Location(item.sql.path, spot.line)
        yield Breach(f"{spot.what} is read by its name", "use ref() or source()", where)
