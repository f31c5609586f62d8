"""A join says how many rows it finds.

Anti-pattern: ``left join item on ...`` and hope. Whether rows multiply depends on data that nobody
has looked at, and it changes when the data does.

Best practice: declare ``cardinality`` on each join, as it is after ``pick`` or ``aggregate``. It is
then tested against the keys of the joined table.
"""

from __future__ import annotations

from collections.abc import Iterator

from tools.rules.breach import Breach, Options
from tools.rules.items import Item

NAME = "joins_declare_cardinality"
ON = ("model",)


class Params(Options):
    """No options."""


def check(item: Item, params: Params) -> Iterator[Breach]:  # noqa: ARG001
    """Yields a breach for each join without a cardinality; a cross join has none to declare."""
    for j, join in enumerate(item.model.joins if item.model else ()):
        if join.cardinality is None and join.type != "cross":
            yield Breach(
                f"the join to {join.to} does not say how many rows it finds",
                "add cardinality: many_to_one when it keeps the grain",
                location=item.at("joins", j),
            )
