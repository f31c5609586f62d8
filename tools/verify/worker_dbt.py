"""dbt invocations inside the worker process.

Parsing a project is most of what a small dbt command costs, so the parsed manifest is kept and
given to later commands as long as no file of the project has changed. dbt writes into the manifest
that it runs (compiled SQL, injected CTEs), so each command gets a copy.

Importing this module imports dbt, which takes more than a second.
"""

from __future__ import annotations

import json
import os
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dbt.version
import duckdb
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tools.verify.worker_cursor import limited, watch
from tools.verify.worker_explain import explain
from tools.verify.worker_manifest import declared_unit_tests

Request = dict[str, Any]

RUN_VARIABLES = frozenset({"batch_at"})
"""Variables that differ from run to run and are read in the body of models only, so a manifest
parsed with another value of them serves as well."""

_MANIFEST_COMMANDS = frozenset({"build", "run", "test", "compile"})
_KEPT_EVENTS = 200
_BAD = frozenset({"error", "fail", "warn", "runtime error"})

_parsed: dict[tuple[Any, ...], Any] = {}

watch()


def versions() -> dict[str, str]:
    """The programs behind this process and their versions."""
    installed = dbt.version.get_installed_version().to_version_string(skip_matcher=True)
    return {"dbt-core": installed, "duckdb": duckdb.__version__}


def warm_up() -> None:
    """Parses a project of one model, so that the first real one finds the code paths warm."""
    with tempfile.TemporaryDirectory(prefix="specmill-warm-") as folder:
        root = Path(folder)
        (root / "models").mkdir()
        (root / "models" / "one.sql").write_text("select 1 as one\n", encoding="utf-8")
        (root / "dbt_project.yml").write_text(
            "{name: warm, version: '1.0', config-version: 2, profile: warm}\n", encoding="utf-8"
        )
        (root / "profiles.yml").write_text(
            "{warm: {target: dev, outputs: {dev: {type: duckdb, path: ':memory:'}}}}\n",
            encoding="utf-8",
        )
        _run(["parse", *_places(folder, folder, folder, folder), "--no-write-json"], None, [])
    _release()


def invoke(request: Request) -> dict[str, Any]:
    """Runs one dbt command.

    Args:
        request: ``args``; ``project``, ``profiles``, ``target``, ``logs`` (folders);
            ``database`` (file); ``vars`` (JSON text); ``query_seconds`` (of one statement).

    Returns:
        ``success``, ``error`` (what stopped the whole command, else empty), ``results`` in the
        form of run_results.json, ``nodes`` in the form of manifest.json (those of the results),
        ``events`` (warnings and errors that dbt logged), ``seconds``; for ``compile`` also
        ``unit_tests`` of the compiled models.
    """
    started = time.monotonic()
    os.environ["SPECMILL_DUCKDB_PATH"] = request["database"]
    Path(request["database"]).parent.mkdir(parents=True, exist_ok=True)
    events: list[dict[str, str]] = []
    with limited(request["query_seconds"]):
        result = _with_manifest(request, events)
    try:
        found = list(getattr(result.result, "results", None) or [])
        describe = _compiled_node if request["args"][0] == "compile" else _node
        reply: dict[str, Any] = {
            "success": bool(result.success),
            "error": "" if result.exception is None else _text_of(result.exception),
            "results": [_entry(r) for r in found],
            "nodes": {r.node.unique_id: describe(r.node) for r in found},
            "events": events[:_KEPT_EVENTS],
            "listed": _listed(result.result),
        }
        if request["args"][0] == "compile":
            reply["unit_tests"] = declared_unit_tests(_parsed.values(), reply["nodes"])
    finally:
        _release()
    explain(request["database"], reply["results"], reply["nodes"], request["query_seconds"])
    reply["seconds"] = round(time.monotonic() - started, 3)
    return reply


def _listed(result: Any) -> list[str]:
    """What ``dbt ls`` found; nothing for other commands."""
    return [str(line) for line in result] if isinstance(result, list) else []


def _places(project: str, profiles: str, target: str, logs: str) -> list[str]:
    return [
        *("--project-dir", project, "--profiles-dir", profiles),
        *("--target-path", target, "--log-path", logs),
        *("--threads", "2", "--quiet", "--log-level", "none", "--no-use-colors"),
        *("--no-version-check", "--no-send-anonymous-usage-stats"),
    ]


def _with_manifest(request: Request, events: list[dict[str, str]]) -> Any:
    """The command on the kept manifest, which is parsed first where it has to be."""
    places = _places(*(request[k] for k in ("project", "profiles", "target", "logs")))
    args = [*request["args"], *places, "--vars", request["vars"]]
    if request["args"][0] == "ls":
        at = args.index("--threads")
        return _run([*args[:at], *args[at + 2 :]], None, events)  # it knows no such option
    if request["args"][0] not in (*_MANIFEST_COMMANDS, "parse"):
        return _run(args, None, events)
    key = _key(request)
    if key not in _parsed:
        parsed = _parse([*places, "--vars", request["vars"]], events)
        if parsed.result is None:
            return parsed
        _parsed.clear()  # one project at a time; an edited one never comes back
        _parsed[key] = parsed.result
        if request["args"][0] == "parse":
            return parsed
    if request["args"][0] == "parse":
        return _run(args, None, events)
    return _run(args, _parsed[key].deepcopy(), events)


def _parse(places: list[str], events: list[dict[str, str]]) -> Any:
    """A parse, with dbt's partial parsing; a failure is only believed without it."""
    first: list[dict[str, str]] = []
    parsed = _run(["parse", "--no-write-json", *places], None, first)
    if parsed.result is None:
        first.clear()
        parsed = _run(["parse", "--no-write-json", *places, "--no-partial-parse"], None, first)
    events.extend(first)
    return parsed


def _key(request: Request) -> tuple[Any, ...]:
    variables = {k: v for k, v in json.loads(request["vars"]).items() if k not in RUN_VARIABLES}
    return (
        request["project"],
        request["profiles"],
        request["target"],
        Path(request["database"]).stem,  # dbt-duckdb names the catalog after the file
        json.dumps(variables, sort_keys=True),
        *(_state_of(folder) for folder in _folders(Path(request["project"]))),
        _state_of(Path(request["profiles"])),
    )


def _folders(project: Path) -> list[Path]:
    """The project's folder and those outside of it that its ``...-paths`` name."""
    found = [project]
    try:
        settings = YAML(typ="safe").load(project / "dbt_project.yml")
    except (OSError, ValueError, YAMLError):
        return found  # dbt will say what is wrong with it
    for name, paths in settings.items() if isinstance(settings, dict) else ():
        if str(name).endswith("-paths") and isinstance(paths, list):
            outside = ((project / str(p)).resolve() for p in paths if ".." in str(p))
            found += [p for p in outside if p.is_dir()]
    return found


def _state_of(folder: Path) -> tuple[tuple[str, int, int, int], ...]:
    """What identifies the content of a folder: name, time, size and inode of each file."""
    found: list[tuple[str, int, int, int]] = []
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(d for d in folders if not d.startswith(".") and d != "target")
        for name in sorted(files):
            path = Path(parent, name)
            stat = path.stat()
            found.append((str(path), stat.st_mtime_ns, stat.st_size, stat.st_ino))
    return tuple(found)


def _run(args: list[str], manifest: Any, events: list[dict[str, str]]) -> Any:
    """One invocation in the folder of its project, as a person would start it.

    A profile may name its database by a path that is relative to it. dbt changes the working
    folder too; it is put back.
    """
    here = Path.cwd()
    project = Path(args[args.index("--project-dir") + 1])
    try:
        if project.is_dir():  # else dbt says it better
            os.chdir(project)
        return dbtRunner(manifest=manifest, callbacks=[_listener(events)]).invoke(args)
    finally:
        os.chdir(here)


def _listener(events: list[dict[str, str]]) -> Callable[[Any], None]:
    lock = threading.Lock()

    def listen(event: Any) -> None:
        info = event.info
        if info.level in ("warn", "error"):
            with lock:
                events.append({"name": info.name, "level": info.level, "message": info.msg})

    return listen


def _release() -> None:
    """Closes the database file that dbt-duckdb keeps open, so that others can have it."""
    environment: Any = DuckDBConnectionManager._ENV
    DuckDBConnectionManager._ENV = None
    if environment is not None:
        environment.close()


def _text_of(error: BaseException) -> str:
    return str(error) or type(error).__name__


def _entry(result: Any) -> dict[str, Any]:
    """A result as run_results.json has it; SQL only where something went wrong."""
    status = str(getattr(result.status, "value", result.status))
    return {
        "unique_id": result.node.unique_id,
        "status": status,
        "message": result.message,
        "failures": result.failures,
        "execution_time": result.execution_time,
        "compiled_code": getattr(result.node, "compiled_code", None) if status in _BAD else None,
    }


def _node(node: Any) -> dict[str, Any]:
    """The part of a manifest node that findings are made of."""
    depends = getattr(node, "depends_on", None)
    metadata = getattr(node, "test_metadata", None)
    tested = getattr(node, "tested_node_unique_id", None) or ""
    return {
        "name": node.name,
        "resource_type": str(getattr(node.resource_type, "value", node.resource_type)),
        "original_file_path": node.original_file_path,
        "attached_node": getattr(node, "attached_node", None),
        "column_name": getattr(node, "column_name", None),
        "model": getattr(node, "model", None) or tested.rpartition(".")[2] or None,
        "test_metadata": {"name": metadata.name} if metadata is not None else None,
        "depends_on": {"nodes": list(getattr(depends, "nodes", None) or [])},
    }


def _compiled_node(node: Any) -> dict[str, Any]:
    """A node with its rendered SQL and what says how its rows are loaded."""
    config = node.config
    hooks = {"pre": "pre_hook", "post": "post_hook"}
    settings = ("incremental_strategy", "unique_key", "incremental_predicates", "where")
    return {
        **_node(node),
        "code": getattr(node, "compiled_code", None) or "",
        "relation": getattr(node, "relation_name", None) or "",
        "materialized": getattr(config, "materialized", None),
        "settings": {name: config.get(name) for name in settings},
        "hooks": {
            when: [str(hook.sql) for hook in getattr(config, name, None) or []]
            for when, name in hooks.items()
        },
    }
