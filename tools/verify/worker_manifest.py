"""What the worker process tells of a parsed manifest: the unit tests of a project."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

_NAMES = re.compile(r"'([^']*)'|\"([^\"]*)\"")


def declared_unit_tests(
    manifests: Iterable[Any], compiled: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The unit tests of some models, their inputs resolved to relations.

    Args:
        manifests: parsed projects of dbt.
        compiled: the nodes whose tests are wanted, by id.
    """
    found = []
    for manifest in manifests:
        for test in manifest.unit_tests.values():
            owner = next((n for n in test.depends_on.nodes if n in compiled), None)
            if owner is not None and test.config.enabled:
                found.append(_unit_test(test, manifest.nodes[owner], manifest))
    return found


def _unit_test(test: Any, model: Any, manifest: Any) -> dict[str, Any]:
    overrides = test.overrides
    return {
        "name": test.name,
        "model": model.name,
        "given": [
            {"relation": _relation(g.input, model, manifest), "rows": _rows(g)} for g in test.given
        ],
        "expect": _rows(test.expect),
        "overrides": {
            kind: dict(getattr(overrides, kind, None) or {}) if overrides else {}
            for kind in ("macros", "vars", "env_vars")
        },
    }


def _rows(fixture: Any) -> list[dict[str, Any]] | None:
    """Rows as dbt normalised them; None when they are a query."""
    if not isinstance(fixture.rows, list):
        return None
    return [{str(name): _plain(value) for name, value in row.items()} for row in fixture.rows]


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _relation(text: str, model: Any, manifest: Any) -> str:
    """The relation of ``ref('x')``, ``source('a', 'b')`` or ``this``; empty when it is unknown."""
    text = text.strip()
    if text == "this":
        return str(model.relation_name or "")
    names = [a or b for a, b in _NAMES.findall(text)]
    below = [manifest.nodes.get(i) or manifest.sources.get(i) for i in model.depends_on.nodes]
    for node in (n for n in below if n is not None):
        mine = (
            [node.source_name, node.name] if text.startswith("source") else [node.name]
        )  # a ref may name the package too
        if names[-len(mine) :] == mine:
            return str(node.relation_name or "")
    return ""
