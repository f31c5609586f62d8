"""Builds and tests a dbt project in the project's own Python, and gathers what shows each failure.

Run as ``python specmill_dbt_probe.py REQUEST ANSWER``: two JSON files. It imports dbt and nothing
of specmill, which may not be installed there. One process does it all, since starting dbt is most
of what a small command costs.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from dbt.cli.main import dbtRunner

Json = dict[str, Any]

_BAD = frozenset({"error", "fail", "runtime error"})
_STORED = frozenset({"table", "view", "incremental", "seed", "snapshot", "materialized_view"})
_DEMANDS = ("raw_code", "test_metadata", "column_name", "model", "given", "expect", "overrides")
_DEMANDING = ("enabled", "severity", "where", "limit", "fail_calc", "warn_if", "error_if", "tags")
_CELL = 200
_AT_ONCE = 40
_MOST_SAMPLED = 12


class Dbt:
    """One dbt project, parsed once."""

    def __init__(self, request: Json) -> None:
        self.places = [
            *("--project-dir", request["project"], "--profiles-dir", request["profiles"]),
            *("--target-path", request["target_path"], "--log-path", request["log_path"]),
            *("--quiet", "--log-level", "none", "--no-use-colors", "--no-version-check"),
            *(("--target", request["target"]) if request["target"] else ()),
        ]
        self.manifest: Any = None
        self.events: list[str] = []

    def invoke(self, *args: str, parsing: bool = False) -> Any:
        """Runs a command on the manifest."""
        manifest = None if parsing or self.manifest is None else self.manifest.deepcopy()
        runner = dbtRunner(manifest=manifest, callbacks=[self._hear])
        return runner.invoke([args[0], *self.places, *args[1:]])

    def parse(self) -> str:
        """Reads the project; what is wrong with it, else nothing."""
        done = self.invoke("parse", "--no-partial-parse", parsing=True)
        if done.result is None:
            return str(done.exception or "\n".join(self.events) or "dbt parse failed")
        self.manifest = done.result
        return ""

    def rows(self, query: str, limit: int) -> Json:
        """A query's columns and first rows; -1 is no limit."""
        text = query.strip().rstrip(";")
        done = self.invoke("show", "--inline", text, "--limit", str(limit))
        if not done.success or not done.result.results:
            return {"error": str(done.exception or _message(done))}
        table = done.result.results[0].agate_table
        rows = [[_plain(value) for value in row] for row in table.rows]
        return {"columns": list(table.column_names), "rows": rows}

    def _hear(self, event: Any) -> None:
        if str(event.info.level) == "error" and len(self.events) < 100:
            self.events.append(str(event.info.msg))


def answer(request: Json) -> Json:
    """Builds, and says what came of it."""
    dbt = Dbt(request)
    if error := dbt.parse():
        return {"error": error, "results": [], "nodes": {}, "tests": []}
    done = dbt.invoke("build")
    results = [_entry(r) for r in getattr(done.result, "results", None) or []]
    error = "" if done.exception is None else str(done.exception)
    if not results and not done.success and not error:
        error = "\n".join(dbt.events) or "dbt build failed"
    nodes = {**dbt.manifest.nodes, **dbt.manifest.unit_tests}
    failed = [r["unique_id"] for r in results if r["status"] in _BAD]
    built = [r["unique_id"] for r in results if r["status"] == "success"]
    near = _near(nodes, failed)
    return {
        "error": error,
        "results": results,
        "nodes": {key: _node(node, dbt.manifest) for key, node in nodes.items()},
        "tests": [k for k, n in nodes.items() if _kind(n) in ("test", "unit_test")],
        "rows": _counts(dbt, {uid: nodes[uid] for uid in built if uid in nodes}),
        "columns": _columns(dbt, _relations(dbt, near)),
        "samples": _samples(dbt, results, nodes, int(request["samples"])),
    }


def _near(nodes: Json, failed: list[str]) -> list[str]:
    """What the failures read, and for tests what the tested model reads."""
    found: dict[str, None] = {}
    for uid in failed:
        direct = _parents(nodes.get(uid))
        found.update(dict.fromkeys(direct))
        if _kind(nodes.get(uid)) in ("test", "unit_test"):
            for parent in direct:
                found.update(dict.fromkeys(_parents(nodes.get(parent))))
    return list(found)


def _parents(node: Any) -> list[str]:
    return list(getattr(getattr(node, "depends_on", None), "nodes", None) or [])


def _relations(dbt: Dbt, near: list[str]) -> Json:
    everything = {**dbt.manifest.nodes, **dbt.manifest.sources}
    return {uid: everything[uid] for uid in near if uid in everything}


def _counts(dbt: Dbt, nodes: Json) -> Json:
    """Rows of each stored relation; many at once, and one by one where that fails."""
    stored = {uid: n for uid, n in nodes.items() if _stored(n)}
    found: Json = {}
    names = list(stored)
    for start in range(0, len(names), _AT_ONCE):
        group = names[start : start + _AT_ONCE]
        told = dbt.rows(" union all ".join(_count(uid, stored[uid]) for uid in group), -1)
        if "error" in told:
            alone = [dbt.rows(_count(uid, stored[uid]), -1) for uid in group]
            rows = [row for each in alone for row in each.get("rows", [])]
        else:
            rows = told["rows"]
        found.update({str(uid): int(float(number)) for uid, number in rows})
    return found


def _count(uid: str, node: Any) -> str:
    return f"select '{uid}' as specmill_name, count(*) as specmill_rows from {node.relation_name}"


def _stored(node: Any) -> bool:
    return bool(getattr(node, "relation_name", None)) and (
        _kind(node) in ("seed", "snapshot") or str(node.config.materialized) in _STORED
    )


def _columns(dbt: Dbt, nodes: Json) -> Json:
    """Names and types of the columns of relations, as the adapter knows them."""
    found: Json = {}
    for uid, node in list(nodes.items())[:_MOST_SAMPLED]:
        if not getattr(node, "relation_name", None):
            continue
        identifier = getattr(node, "identifier", None) or node.alias
        place = ", ".join(
            f"{key}={value!r}"
            for key, value in (
                ("database", node.database),
                ("schema", node.schema),
                ("identifier", identifier),
            )
        )
        loop = (
            "{% for c in adapter.get_columns_in_relation(api.Relation.create(" + place + ")) %}"
            "select '{{ c.name }}' as name, '{{ c.dtype }}' as kind"
            "{{ ' union all ' if not loop.last }}{% endfor %}"
        )
        told = dbt.rows(loop, -1)
        if told.get("rows"):
            found[uid] = told["rows"]
    return found


def _samples(dbt: Dbt, results: list[Json], nodes: Json, limit: int) -> Json:
    """Some of the rows that a failing data test gives back."""
    found: Json = {}
    for entry in results:
        node = nodes.get(entry["unique_id"])
        if entry["status"] != "fail" or _kind(node) != "test" or not entry["compiled_code"]:
            continue
        if len(found) < _MOST_SAMPLED:
            query = "{% raw %}" + entry["compiled_code"] + "{% endraw %}"
            found[entry["unique_id"]] = dbt.rows(query, limit)
    return found


def _entry(result: Any) -> Json:
    status = str(getattr(result.status, "value", result.status))
    return {
        "unique_id": result.node.unique_id,
        "status": status,
        "message": result.message or "",
        "failures": result.failures,
        "compiled_code": getattr(result.node, "compiled_code", None) or "",
    }


def _node(node: Any, manifest: Any) -> Json:
    tested = getattr(node, "attached_node", None) or getattr(node, "tested_node_unique_id", None)
    metadata = getattr(node, "test_metadata", None)
    patch = getattr(node, "patch_path", None) or ""
    return {
        "name": node.name,
        "kind": _kind(node),
        "path": node.original_file_path,
        "package": node.package_name,
        "own": node.package_name == manifest.metadata.project_name,
        "patch": patch.partition("://")[2],
        "tested": tested or "",
        "column": getattr(node, "column_name", None) or "",
        "test": metadata.name if metadata is not None else "",
        "parents": _parents(node),
        "mark": _mark(node, manifest) if _kind(node) in ("test", "unit_test") else "",
    }


def _mark(node: Any, manifest: Any) -> str:
    """A digest of what a test demands: its own text and settings, and every macro it comes to."""
    told = node.to_dict(omit_none=True)
    kept: Json = {key: told.get(key) for key in _DEMANDS}
    config = told.get("config") or {}
    kept["config"] = {key: config.get(key) for key in _DEMANDING if key in config}
    macros, waiting = {}, list(getattr(getattr(node, "depends_on", None), "macros", None) or [])
    while waiting:
        uid = waiting.pop()
        macro = manifest.macros.get(uid)
        if uid not in macros and macro is not None:
            macros[uid] = macro.macro_sql
            waiting += macro.depends_on.macros
    text = json.dumps([kept, sorted(macros.items())], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _kind(node: Any) -> str:
    kind = getattr(node, "resource_type", "")
    return str(getattr(kind, "value", kind))


def _message(done: Any) -> str:
    results = getattr(done.result, "results", None) or []
    return "; ".join(str(r.message) for r in results) or "the query failed"


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | int):
        return value
    text = str(value)
    return text if len(text) <= _CELL else text[: _CELL - 3] + "..."


def main() -> None:
    """Answers one request."""
    request_file, answer_file = (Path(name) for name in sys.argv[1:3])
    request = json.loads(request_file.read_text(encoding="utf-8"))
    with contextlib.redirect_stdout(sys.stderr):
        found = answer(request)
    answer_file.write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
