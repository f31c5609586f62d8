"""No join without a condition.

Anti-pattern: ``from a, b``. A forgotten condition gives every pair, which on real data is either a
bill or a wrong number.

Best practice: an ``on`` for each join. A cross join with a relation of one row
(a ``select max(...)``) multiplies nothing and is fine; one that is meant says why, in the spec.
"""

from __future__ import annotations

from collections.abc import Iterator

from tools.findings import Location
from tools.rules.breach import Breach, Options
from tools.rules.items import Item

NAME = "no_cross_join"
ON = ("model", "sql")


class Params(Options):
    """``allow_with_why``: whether a spec's cross join is fine when it has a ``why``."""

    allow_with_why: bool = True


def check(item: Item, params: Params) -> Iterator[Breach]:
    """Yields a breach for each cross join."""
    hint = "give the join its condition, or type: cross and a why"
    if item.model is not None:
        for j, join in enumerate(item.model.joins):
            if join.type == "cross" and not (params.allow_with_why and join.why):
                where = item.at("joins", j)
                yield Breach(f"the join to {join.to} has no condition", hint, where)
    elif item.sql is not None:
        model = item.view.model_of(item.sql.name)
        meant = any(j.type == "cross" and j.why for j in model.joins) if model else False
        for spot in () if meant and params.allow_with_why else item.sql.audit().cross_joins:
            where = Location(item.sql.path, spot.line)
            yield Breach(f"{spot.what} is joined without a condition", hint, where)
