"""A history has a key, tracks what may change, and its intervals are tested.

Anti-pattern: a dbt snapshot. It compares the source with the table once a run: rows that come late
are dropped, changes between two runs are missed, two changes of one batch give two current rows.

Best practice: an append-only change log, the history worked out from it, and tests that each key
has at most one current row and intervals that neither overlap, nor run backwards, nor come from
nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator

from tools.findings import Location
from tools.rules.breach import Breach, Options
from tools.rules.items import Item
from tools.rules.subject import View
from tools.spec.transform import Model
from tools.sql import template

NAME = "scd2_complete"
ON = ("model",)


class Params(Options):
    """``tests``: what the generated tests have to hold, by generic test or file name."""

    tests: list[str] = ["at_most_one_current", "no_overlap", "no_inversion", "no_orphan"]


def check(item: Item, params: Params) -> Iterator[Breach]:
    """Yields a breach for each thing that a model with ``strategy: scd2`` lacks."""
    model = item.model
    if model is None or model.load.strategy != "scd2":
        return
    load = item.at("load")
    if not model.load.key:
        message = f"{model.name} keeps history and does not say of what: its load has no key"
        yield Breach(message, "add key: with the columns that identify a row of the source", load)
    fixed = {k.lower() for k in model.load.key}
    for column in model.load.track:
        if column.lower() in fixed:
            message = f"{model.name} tracks {column}, which is part of its key"
            yield Breach(message, "a changed key is another row: remove it from track", load)
    for file in item.view.sql:
        if file.kind == "snapshot" and model.name.lower() in (file.name.lower(), *_refs(file.text)):
            message = f"{model.name} is built with a dbt snapshot"
            yield Breach(message, "build it from a change log", Location(file.path, 1))
    if item.view.sql_of(model.name) is not None:
        yield from _missing_tests(item.view, model, params.tests)


def _refs(text: str) -> list[str]:
    return [name.lower() for name in template.refs(text)]


def _missing_tests(view: View, model: Model, wanted: list[str]) -> Iterator[Breach]:
    properties = view.properties.get(model.name.lower())
    names = [t.name for t in properties.all_tests() if t.enabled] if properties else []
    names += [f.name for f in view.sql if f.kind == "test" and model.name.lower() in _refs(f.text)]
    where = Location(properties.path, properties.line) if properties else None
    for test in wanted:
        if not any(test in name for name in names):
            message = f"the intervals of {model.name} are not tested: {test} is missing"
            yield Breach(message, f"add {test} to its data_tests", where)
