"""The key that a model claims is tested: never null, never twice.

Anti-pattern: ``grain: [order_id]`` in a comment. The day the source sends an order twice, every sum
downstream is wrong and every test is green.

Best practice: ``not_null`` on each column of the grain and ``unique`` on the grain, in the
generated properties, for every model; a history is unique by its surrogate key or by key and
``valid_from``.
"""

from __future__ import annotations

from collections.abc import Iterator

from tools.findings import Fix, Location
from tools.rules.breach import Breach, Options
from tools.rules.items import Item
from tools.rules.properties import ModelProperties
from tools.spec.scope import surrogate_key
from tools.spec.transform import Model

NAME = "keys_tested"
ON = ("model",)


class Params(Options):
    """No options."""


def check(item: Item, params: Params) -> Iterator[Breach]:  # noqa: ARG001
    """Yields a breach for each test of the key that the generated code lacks.

    Without generated code there is nothing to look at; without a key there is nothing to test.
    """
    model = item.model
    if model is None or item.view.sql_of(model.name) is None:
        return
    properties = item.view.properties.get(model.name.lower())
    keys = _keys(model)
    if properties is None:
        if keys:
            yield Breach(f"{model.name} has no properties file, so its key is not tested")
        return
    if keys and not any(_is_unique(properties, key) for key in keys):
        yield _missing_unique(properties, keys[0])
    for column in keys[0] if keys else ():
        if not _tested(properties, column, "not_null"):
            yield _missing(properties, column, "not_null")
        yield from _warns_only(properties, column)


def _keys(model: Model) -> list[tuple[str, ...]]:
    """What identifies a row of the model's table, any one of them."""
    if model.load.strategy == "scd2":
        keys: list[tuple[str, ...]] = [(surrogate_key(model),)]
        if model.load.key:
            keys.append((*model.load.key, model.load.valid_from))
        return keys
    key = tuple(model.grain or model.load.key)
    return [key] if key else []


def _tested(properties: ModelProperties, column: str, test: str) -> bool:
    found = properties.column(column)
    return found is not None and any(t.name == test and t.enabled for t in found.tests)


def _is_unique(properties: ModelProperties, key: tuple[str, ...]) -> bool:
    if len(key) == 1 and _tested(properties, key[0], "unique"):
        return True
    wanted = {k.lower() for k in key}
    for test in properties.tests:
        lists = [v for v in test.arguments.values() if isinstance(v, list)]
        columns = [{str(v).strip('"').lower() for v in values} for values in lists]
        if "unique" in test.name and test.enabled and wanted in columns:
            return True
    return False


def _warns_only(properties: ModelProperties, column: str) -> Iterator[Breach]:
    found = properties.column(column)
    for test in found.tests if found else ():
        if test.name in ("not_null", "unique") and test.enabled and test.severity != "error":
            where = Location(properties.path, test.line)
            message = f"the test {test.name} of the key column {column} only warns"
            name = f"{properties.name}.{column}"
            yield Breach(message, "let it stop the build: severity error", where, name)


def _missing(properties: ModelProperties, column: str, test: str) -> Breach:
    found = properties.column(column)
    return Breach(
        f"the key column {column} of {properties.name} has no {test} test",
        f"add {test} to its data_tests",
        Location(properties.path, found.line if found else properties.line),
        f"{properties.name}.{column}",
        fix=Fix(
            "add_column_test",
            properties.path,
            {"model": properties.name, "column": column, "test": test},
        ),
    )


def _missing_unique(properties: ModelProperties, key: tuple[str, ...]) -> Breach:
    if len(key) == 1:
        return _missing(properties, key[0], "unique")
    return Breach(
        f"the key of {properties.name} ({', '.join(key)}) has no test that it is unique together",
        "add a test of the combination, such as unique_together, to its data_tests",
        Location(properties.path, properties.line),
        properties.name,
    )
