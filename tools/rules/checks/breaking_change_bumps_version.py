"""A change that breaks those who read a table is a new major version.

Anti-pattern: a column is renamed in 1.4.1. Consumers learn of it from a dashboard that is empty.

Best practice: what is taken away or changes its meaning (a table, a column, a type, the grain, a
guarantee) raises the first number of the version; before 1.0.0, the second.
"""

from __future__ import annotations

from collections.abc import Iterator

from tools.findings import Location
from tools.rules.breach import Breach, Options
from tools.rules.items import Item
from tools.spec.diff import Impact, bumped, diff, version_suffices

NAME = "breaking_change_bumps_version"
ON = ("diff",)


class Params(Options):
    """``layers`` whose tables others may read; changes outside of models always count."""

    layers: list[str] = ["intermediate", "marts"]


def check(item: Item, params: Params) -> Iterator[Breach]:
    """Yields a breach for each breaking change that the version does not admit."""
    revision = item.view.revision
    if revision is None:
        return
    before, after = revision.before, revision.after
    if version_suffices(before.version, after.version, "major"):
        return
    hint = f"make the version {bumped(before.version, 'major')}, or take the change back"
    for change in diff(before, after):
        name = change.subject.partition(".")[0]
        model = before.model_named(name)
        if change.impact is not Impact.BREAKING or (model and model.layer not in params.layers):
            continue
        versions = f"version {after.version} after {before.version}"
        message = f"{change.message}, and {versions} does not say so"
        yield Breach(message, hint, _location(item, name), change.subject)


def _location(item: Item, name: str) -> Location | None:
    spec = item.view.spec
    model = spec.model_named(name) if spec else None
    if spec is None or model is None:
        return item.view.at("version")
    return item.view.at("models", spec.models.index(model))
