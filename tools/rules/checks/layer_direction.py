"""Data flows one way: raw, staging, intermediate, marts.

Anti-pattern: a staging model that reads a mart. Nobody can rebuild one without the other, and a
change at the end moves the beginning.

Best practice: a model reads from its own layer or from those below it.
"""

from __future__ import annotations

from collections.abc import Iterator

from tools.findings import Location
from tools.rules.breach import Breach, Options
from tools.rules.items import Item

NAME = "layer_direction"
ON = ("dag",)

_RANK = {"raw": 0, "staging": 1, "intermediate": 2, "marts": 3}


class Params(Options):
    """``within``: layers whose models may read each other."""

    within: list[str] = ["staging", "intermediate", "marts"]


def check(item: Item, params: Params) -> Iterator[Breach]:
    """Yields a breach for each edge that goes up, or sideways where it may not."""
    for edge in item.variables["dag"]["edges"]:
        below, above = _RANK.get(edge["from_layer"]), _RANK[edge["to_layer"]]
        if below is None or below < above:
            continue
        if below == above and edge["to_layer"] in params.within:
            continue
        yield Breach(
            f"{edge['to']} in {edge['to_layer']} reads {edge['from']} in {edge['from_layer']}",
            f"read what {edge['from']} is made of, or move {edge['to']} up",
            location=_location(item, edge["to"]),
            subject=edge["to"],
        )


def _location(item: Item, model: str) -> Location | None:
    spec = item.view.spec
    names = [m.name for m in spec.models] if spec else []
    return item.view.at("models", names.index(model)) if model in names else item.location
