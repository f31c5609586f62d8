"""What dbt's manifest says of a project's models, tests and relations; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from tools.errors import UsageError
from tools.sql.parse import SqlError
from tools.sql.traced import frozen
from tools.verify.project.render import Rendered
from tools.verify.project.tables import plain
from tools.verify.proof.compile import ordered

Node = Mapping[str, Any]
"""A manifest, or an entry of it, as dbt writes it."""

MOMENT = "2024-01-10 12:00:00"
"""At which clocks stand still."""


def models(manifest: Node) -> list[Node]:
    """The models of a project and its packages, each after those that it reads."""
    nodes = {i: n for i, n in manifest.get("nodes", {}).items() if n["resource_type"] == "model"}
    return [nodes[node_id] for node_id in ordered(nodes)]


def wanted(models: Sequence[Node], select: Sequence[str]) -> list[Node]:
    """The models that a person selects by name; all if none is.

    Raises:
        UsageError: there is no such model.
    """
    names = {str(m["name"]).lower() for m in models}
    unknown = [s for s in select if s.lower() not in names]
    if unknown:
        known = ", ".join(sorted(names)[:12]) or "none"
        raise UsageError(f"the project has no model {unknown[0]}", f"its models are: {known}")
    lowered = {s.lower() for s in select}
    return [m for m in models if not lowered or str(m["name"]).lower() in lowered]


def relations(manifest: Node) -> dict[str, str]:
    """The relation of each source and node, by its id."""
    every = {**manifest.get("sources", {}), **manifest.get("nodes", {})}
    return {i: plain(n["relation_name"]) for i, n in every.items() if n.get("relation_name")}


def queries(rendered: Rendered) -> dict[str, str]:
    """The SQL of models by relation, each after those that it reads; clocks stand still."""
    names = relations(rendered.manifest)
    found: dict[str, str] = {}
    for node in models(rendered.manifest):
        code = str(rendered.nodes.get(str(node["unique_id"]), {}).get("code") or "")
        aside = str(node["original_file_path"]) in rendered.broken
        is_sql = node.get("language") != "python" and not aside
        if code and is_sql and str(node["unique_id"]) in names:
            found[names[str(node["unique_id"])]] = _still(code)
    return found


def _still(sql: str) -> str:
    with suppress(SqlError):
        return frozen(sql, MOMENT) or sql
    return sql


def declared(manifest: Node) -> dict[str, Node]:
    """The models by relation."""
    names = relations(manifest)
    nodes = manifest.get("nodes", {})
    return {names[i]: n for i, n in nodes.items() if i in names and n["resource_type"] == "model"}


def tests_by_model(rendered: Rendered) -> dict[str, dict[str, str]]:
    """The data tests of each model, compiled, by its id."""
    found: dict[str, dict[str, str]] = {}
    for node in rendered.nodes.values():
        if node["resource_type"] != "test" or not node.get("code"):
            continue
        models = [i for i in node["depends_on"]["nodes"] if str(i).startswith("model.")]
        owner = str(node.get("attached_node") or "")
        owners = [owner] if owner.startswith("model.") else models if not owner else []
        for name in owners:
            found.setdefault(name, {})[str(node["name"])] = str(node["code"]).strip().rstrip(";")
    return found
