"""What others read has a contract that is enforced.

Anti-pattern: a column's type changes with the source, and the dashboard finds out first.

Best practice: ``contract: {enforced: true}`` in the generated properties, with a type for every
column: a build that would make another table fails instead.
"""

from __future__ import annotations

from collections.abc import Iterator

from tools.findings import Location
from tools.rules.breach import Breach, Options
from tools.rules.items import Item

NAME = "contract_enforced"
ON = ("model",)


class Params(Options):
    """``layers`` whose models need a contract."""

    layers: list[str] = ["marts"]


def check(item: Item, params: Params) -> Iterator[Breach]:
    """Yields a breach when the generated properties enforce no contract, or leave types out."""
    model = item.model
    if model is None or model.layer not in params.layers:
        return
    if item.view.sql_of(model.name) is None:
        return
    properties = item.view.properties.get(model.name.lower())
    if properties is None:
        yield Breach(f"{model.name} has no properties file, so no contract holds")
        return
    where = Location(properties.path, properties.line)
    if not properties.contract:
        untyped = ", ".join(c.name for c in properties.columns if not c.data_type)
        why = f": nothing says the type of {untyped}" if untyped else ""
        hint = "set config: {contract: {enforced: true}}"
        if untyped:
            hint = f"declare `type:` of {untyped}; a contract promises no guessed type"
        yield Breach(f"the contract of {model.name} is not enforced{why}", hint, where)
        return
    for column in properties.columns:
        if not column.data_type:
            message = f"{model.name}.{column.name} has no type in the contract"
            place = Location(properties.path, column.line)
            yield Breach(message, "add data_type", place, f"{model.name}.{column.name}")
