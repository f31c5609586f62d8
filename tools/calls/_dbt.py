"""The dbt project of a work tree, its database, and a warm dbt that lasts for the session."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tools import confine, layout
from tools.calls._cage import cage_for
from tools.calls._files import readable
from tools.calls._specs import roots, told
from tools.calls._tree import files
from tools.desk import Desk, ToolError
from tools.guarded import is_secret
from tools.lock_file import LockFile
from tools.verify.worker import DbtWorker

_QUERY_SECONDS = 600.0
"""Of one statement: a project of a person's own may have models that take minutes."""
_PATH_VARIABLE = "SPECMILL_DUCKDB_PATH"
_ENV_VAR = re.compile(
    r"\{\{\s*env_var\(\s*['\"](\w+)['\"]\s*(?:,\s*['\"]([^'\"]*)['\"]\s*)?\)\s*\}\}"
)


@dataclass(frozen=True)
class DbtProject:
    """A dbt project and the DuckDB file that it builds in.

    Args:
        name: its folder as tools name it, relative to the work tree; ``.`` for the tree itself.
        folder: the same, absolute.
        profiles: the folder of its ``profiles.yml``.
        database: the file; it may not exist yet.
    """

    name: str
    folder: Path
    profiles: Path
    database: Path


def project_of(desk: Desk, project: str = "", pipeline: str = "") -> DbtProject:
    """The dbt project that a call means.

    Args:
        desk: the desk.
        project: its folder; empty for the only one, or the generated one.
        pipeline: whose database it builds in, where specmill generated it; empty for the only one.

    Raises:
        ToolError: there is none, or it is not clear which one.
    """
    name = folder_of(desk, project)
    folder = readable(desk, name)
    places = (folder, desk.root, Path.home() / ".dbt")
    profiles = next((p for p in places if (p / "profiles.yml").is_file()), None)
    if profiles is None:
        raise ToolError(f"the dbt project {name} has no profiles.yml beside it, nor in ~/.dbt.")
    return DbtProject(name, folder, profiles, _database(desk, folder, profiles, pipeline))


def folder_of(desk: Desk, project: str) -> str:
    """The folder of the dbt project that a call means, relative to the work tree.

    Raises:
        ToolError: there is none, or it is not clear which one.
    """
    if project:
        if not (readable(desk, project) / "dbt_project.yml").is_file():
            raise ToolError(f"{project} holds no dbt_project.yml.")
        return project
    for name in (str(layout.DBT), "."):
        if (desk.root / name / "dbt_project.yml").is_file():
            return name
    every = [f for f in files(desk) if f.endswith("/dbt_project.yml")]
    found = [f.rpartition("/")[0] for f in every if "dbt_packages" not in f]
    if len(found) == 1:
        return found[0]
    if not found:
        raise ToolError("there is no dbt project here; a run makes one from a spec.")
    raise ToolError(f"there are several dbt projects; name one as project: {', '.join(found)}")


def _database(desk: Desk, folder: Path, profiles: Path, pipeline: str) -> Path:
    output = _output(folder, profiles)
    path = str(output.get("path", ":memory:"))
    if output.get("type") != "duckdb":
        kind = output.get("type", "no known database")
        raise ToolError(f"the profile builds on {kind}; these tools run dbt on DuckDB only.")
    if _PATH_VARIABLE in path:
        return desk.workspace.state / "db" / f"{_pipeline(desk, pipeline)}.duckdb"
    path = _ENV_VAR.sub(lambda m: os.environ.get(m[1], m[2] or ""), path)
    if path == ":memory:" or "{" in path or not path:
        return desk.workspace.state / "db" / "memory.duckdb"
    return _inside(desk, folder / path)


def _inside(desk: Desk, database: Path) -> Path:
    """The file, if it lies where tools may look: a profile could name any other."""
    homes = [root.resolve() for root in (desk.root, desk.workspace.root)]
    if not any(database.resolve().is_relative_to(home) for home in homes):
        raise ToolError("the database of the profile lies outside of the work tree.")
    return database


def _output(folder: Path, profiles: Path) -> dict[str, Any]:
    """The connection that dbt would take, as far as it can be read without running dbt."""
    yaml = YAML(typ="safe")
    try:
        name = (yaml.load(folder / "dbt_project.yml") or {}).get("profile", "")
        profile = (yaml.load(profiles / "profiles.yml") or {}).get(name) or {}
        target = _ENV_VAR.sub(lambda m: os.environ.get(m[1], m[2] or ""), str(profile["target"]))
        found = profile["outputs"][target]
    except (OSError, ValueError, YAMLError, KeyError, TypeError, AttributeError) as error:
        raise ToolError(f"the dbt profile cannot be read: {error}") from error
    return found if isinstance(found, dict) else {}


def _pipeline(desk: Desk, pipeline: str) -> str:
    with told():
        known = sorted(LockFile.load(desk.root).specs)
    if pipeline:
        if known and pipeline not in known:
            raise ToolError(f"there is no pipeline {pipeline}; there are {', '.join(known)}")
        if not re.fullmatch(r"\w+", pipeline):
            raise ToolError(f"{pipeline!r} is not the name of a pipeline.")
        return pipeline
    if len(known) == 1:
        return known[0]
    raise ToolError(
        f"each pipeline has a database of its own; name one as pipeline: {', '.join(known)}"
        if known
        else "nothing is generated here yet; name the pipeline whose database you mean."
    )


def worker(desk: Desk) -> DbtWorker:
    """The warm dbt of the session, in its cage; started by the first call."""
    key = f"dbt:{desk.root}"  # a run may have desks on several trees
    found = desk.extras.get(key)
    if isinstance(found, DbtWorker):
        return found
    state = desk.workspace.state
    places = tuple(state / name for name in ("db", "dbt", "logs"))
    for place in places:
        place.mkdir(parents=True, exist_ok=True)
    needed = (Path.home() / ".dbt", *roots(desk))  # data files may lie in the person's checkout
    cage = cage_for(desk, writable=places, readable=needed, lasting=True)
    secret = (p for p in desk.workspace.root.iterdir() if is_secret(p.name))
    cage = replace(cage, masked=tuple(dict.fromkeys((*cage.masked, *secret))))
    command = confine.caged((sys.executable, "-m", "tools.verify.worker_main"), cage)
    made = desk.extras[key] = DbtWorker(state, command=command, query_seconds=_QUERY_SECONDS)
    return made


@contextmanager
def stopped_with(desk: Desk, dbt: DbtWorker) -> Iterator[None]:
    """Ends dbt when the person stops the turn.

    Raises:
        ToolError: then, and when dbt crashes or takes too long.
    """
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.1):
            if desk.cancel.is_set():
                dbt.interrupt()
                return

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        with told():
            yield
    except ToolError:
        if desk.cancel.is_set():
            raise ToolError("stopped by the person") from None
        raise
    finally:
        done.set()
        watcher.join()
