"""A load that runs twice gives what it gives once.

Anti-pattern: ``append`` of whatever the source returns. The scheduler retries, the rows are there
twice, and the only remedy is to delete by hand.

Best practice: ``append`` knows by a ``cursor`` what it has; ``incremental``, ``scd1`` and ``scd2``
merge by a ``key``.
"""

from __future__ import annotations

from collections.abc import Iterator

from tools.rules.breach import Breach, Options
from tools.rules.items import Item

NAME = "idempotent_load"
ON = ("model",)

_NEEDS = {"append": "cursor", "incremental": "key", "scd1": "key", "scd2": "key"}


class Params(Options):
    """No options."""


def check(item: Item, params: Params) -> Iterator[Breach]:  # noqa: ARG001
    """Yields a breach when the load lacks what it needs to run twice."""
    if item.model is None:
        return
    load = item.model.load
    needed = _NEEDS.get(load.strategy)
    if needed and not getattr(load, needed):
        yield Breach(
            f"{item.model.name} is loaded by {load.strategy} without a {needed}: "
            "a second run would not give the same rows",
            f"add {needed}: to its load, or use strategy: full",
            item.at("load"),
        )
