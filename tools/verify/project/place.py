"""A copy of a dbt project in which dbt can work, with a profile for a database of our own.

The project's folder and its database are read, never written: the copy takes the stubs for what
cannot be rendered, dbt's target and logs, and the scratch database.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tools.errors import InputError, UsageError
from tools.findings import Finding, Location, Severity

_LARGEST = 20 * 1024 * 1024
_SKIPPED = frozenset({"target", "logs", "node_modules", "__pycache__", "venv"})
_PATHS = {
    "model-paths": ["models"], "macro-paths": ["macros"], "seed-paths": ["seeds"],
    "test-paths": ["tests"], "snapshot-paths": ["snapshots"], "analysis-paths": ["analyses"],
    "asset-paths": [], "docs-paths": [],
}  # fmt: skip
_TOP = ("dbt_project.yml", "packages.yml", "dependencies.yml", "package-lock.yml", "selectors.yml")
_ENV = re.compile(r"\{\{\s*env_var\(\s*['\"](\w+)['\"]\s*(?:,\s*['\"]([^'\"]*)['\"]\s*)?\)\s*\}\}")
_DEPTH = "a/b/c/d"  # room for paths such as ../../shared/models


@dataclass(frozen=True)
class Profile:
    """How the project reaches its database.

    Args:
        name: of the profile.
        target: of its output that counts.
        platform: its type: duckdb, snowflake; empty when there is no profile.
        schema: where models go.
        database: the DuckDB file that is there; None when there is none.
        note: what to know about it.
    """

    name: str
    target: str = "dev"
    platform: str = ""
    schema: str = "main"
    database: Path | None = None
    note: str = ""


@dataclass(frozen=True)
class Place:
    """A copy of a project.

    Args:
        root: the copy.
        original: the project.
        database: the scratch DuckDB file, called as the project's own.
        settings: dbt_project.yml.
        profile: of the project.
    """

    root: Path
    original: Path
    database: Path
    settings: Mapping[str, Any]
    profile: Profile

    @property
    def name(self) -> str:
        """The project's name."""
        return str(self.settings.get("name", ""))


def open_place(project: Path, scratch: Path) -> Place:
    """Copies what dbt reads of a project, and writes a profile of our own beside it.

    Raises:
        UsageError: there is no dbt project.
        InputError: dbt_project.yml cannot be read.
    """
    file = project / "dbt_project.yml"
    if not file.is_file():
        raise UsageError(
            f"{project}: no dbt project (dbt_project.yml is not there)",
            "name the folder that holds dbt_project.yml",
        )
    settings = _read(file)
    profile = read_profile(project, settings)
    root = scratch / _DEPTH / "project"
    root.mkdir(parents=True)
    for name in _TOP:
        if (project / name).is_file():
            shutil.copyfile(project / name, root / name)
    for name, default in {**_PATHS, "packages-install-path": ["dbt_packages"]}.items():
        paths = settings.get(name, default)
        for path in paths if isinstance(paths, list) else [paths]:
            _copy(project / str(path), root, str(path))
    stem = profile.database.stem if profile.database else "warehouse"
    database = scratch / "db" / f"{stem}.duckdb"
    database.parent.mkdir()
    _write_profile(scratch / "profiles", profile)
    return Place(root, project, database, settings, profile)


def _copy(source: Path, root: Path, path: str) -> None:
    target = root / path
    inside = (root / path).resolve().is_relative_to(root.parents[3].resolve())
    if not source.is_dir() or target.exists() or not inside:
        return

    def ignore(folder: str, names: list[str]) -> set[str]:
        large = {n for n in names if _size(Path(folder, n)) > _LARGEST}
        return large | {n for n in names if n in _SKIPPED or n.startswith(".")}

    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(source, target, ignore=ignore, ignore_dangling_symlinks=True)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0


def _read(file: Path) -> Mapping[str, Any]:
    try:
        found = YAML(typ="safe").load(file)
    except (OSError, ValueError, YAMLError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", -1) + 1
        place = Location(file.name, line)
        message = f"cannot be read: {str(error).splitlines()[0]}"
        finding = Finding("PROJ001", Severity.ERROR, message, place)
        raise InputError(f"{place}: {message}", "mend the file", (finding,)) from error
    if not isinstance(found, dict):
        raise InputError(f"{file.name}: is no mapping", "see dbt's documentation of the file")
    return found


def read_profile(project: Path, settings: Mapping[str, Any]) -> Profile:
    """The profile of a project: beside it, where ``DBT_PROFILES_DIR`` says, or in ``~/.dbt``."""
    name = str(settings.get("profile") or settings.get("name") or "default")
    for folder in (project, _variable("DBT_PROFILES_DIR"), Path.home() / ".dbt"):
        file = folder / "profiles.yml" if folder else None
        if file is None or not file.is_file():
            continue
        try:
            found = YAML(typ="safe").load(file)
        except (OSError, ValueError, YAMLError):
            return Profile(name, note=f"{file.name} cannot be read: rendered as for DuckDB")
        entry = found.get(name) if isinstance(found, dict) else None
        if isinstance(entry, dict) and isinstance(entry.get("outputs"), dict):
            return _profile(name, entry, project)
    return Profile(name, note=f"no profile {name} was found: rendered as for DuckDB")


def _variable(name: str) -> Path | None:
    value = os.environ.get(name)
    return Path(value) if value else None


def _profile(name: str, entry: Mapping[str, Any], project: Path) -> Profile:
    outputs = entry["outputs"]
    target = _plain(entry.get("target", "dev"))
    output = outputs.get(target) or next(iter(outputs.values()), None) or {}
    platform = str(output.get("type", ""))
    schema = str(output.get("schema") or output.get("dataset") or "main")
    if platform != "duckdb":
        note = f"its profile is for {platform}: rendered as for DuckDB, so SQL that only "
        note += f"{platform} knows cannot be run"
        return Profile(name, target, platform, schema, note=note)
    path = _plain(output.get("path", ":memory:"))
    if not path or path.startswith((":memory:", "md:", "motherduck:")):
        return Profile(name, target, platform, schema)
    file = Path(path).expanduser()
    file = file if file.is_absolute() else project / file
    return Profile(name, target, platform, schema, file)


def _plain(value: Any) -> str:
    """A value of the profile with its environment variables in."""
    return _ENV.sub(lambda m: os.environ.get(m[1], m[2] or ""), str(value)).strip()


def _write_profile(folder: Path, profile: Profile) -> None:
    folder.mkdir()
    output = {
        "type": "duckdb", "path": "{{ env_var('SPECMILL_DUCKDB_PATH') }}",
        "schema": profile.schema, "threads": 2,
    }  # fmt: skip
    data = {profile.name: {"target": profile.target, "outputs": {profile.target: output}}}
    with (folder / "profiles.yml").open("w", encoding="utf-8") as handle:
        YAML(typ="safe").dump(data, handle)
