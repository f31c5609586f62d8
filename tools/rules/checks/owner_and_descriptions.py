"""Somebody answers for a pipeline, and what it makes is described.

Anti-pattern: a table that nobody owns, with a column ``flag2``. Who finds it wrong at night has
nobody to ask.

Best practice: an ``owner`` (a team, not a person who leaves), a sentence for each model, and one
for each column of the layers that others read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from tools.rules.breach import Breach, Options
from tools.rules.items import Item

NAME = "owner_and_descriptions"
ON = ("spec", "model", "column")


class Params(Options):
    """What has to be there; ``layers`` limits models and columns."""

    require: list[Literal["owner", "description"]] = ["owner", "description"]
    layers: list[str] = ["staging", "intermediate", "marts"]


def check(item: Item, params: Params) -> Iterator[Breach]:
    """Yields a breach for an owner or a description that is missing."""
    spec = item.view.spec
    if item.on == "spec" and spec is not None:
        if "owner" in params.require and not spec.owner:
            yield Breach(f"nobody owns {spec.pipeline}", "add owner: with the name of a team")
        if "description" in params.require and not spec.description:
            yield Breach(f"{spec.pipeline} has no description", "add description:, one sentence")
        return
    if "description" not in params.require or item.model is None:
        return
    thing = item.column if item.on == "column" else item.model
    if item.model.layer in params.layers and thing is not None and not thing.description:
        yield Breach(f"{item.name} has no description", "add description:, one sentence")
