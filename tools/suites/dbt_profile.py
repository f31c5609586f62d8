"""The project's own connection, turned so that a DuckDB file of the person is never written.

dbt writes wherever its profile points to. A DuckDB database is copied for each run and the copy
is used. Any other database is used as it is, and only when the person named the target.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from tools.errors import InputError, ProgramMissing, UsageError, WaitsForPerson
from tools.suites.base import Place

_CALL = re.compile(r"env_var\(\s*['\"]([A-Za-z_][A-Za-z0-9_]*)['\"]")
_VALUE = re.compile(
    r"\{\{\s*env_var\(\s*(['\"])(?P<name>\w+)\1\s*(?:,\s*(['\"])(?P<default>.*?)\3\s*)?\)\s*\}\}"
)
_READ = frozenset({".sql", ".yml", ".yaml", ".py"})
_SKIPPED = frozenset({"target", "node_modules", "__pycache__"})


@dataclass(frozen=True)
class Profile:
    """A connection that can be used.

    Args:
        folder: holds the profiles.yml to give to dbt.
        target: its name.
        kind: the adapter.
        copies: files to copy before each run: from, to.
    """

    folder: Path
    target: str
    kind: str
    copies: tuple[tuple[Path, Path], ...] = ()

    @property
    def says(self) -> str:
        """What the tests run against, for a person."""
        how = "on a copy of the database" if self.copies else "in place"
        return f"target {self.target} ({self.kind}), {how}"

    def refresh(self) -> None:
        """Puts fresh copies of the databases in place: each run starts from the same rows.

        Raises:
            ProgramMissing: one cannot be copied.
        """
        for source, copy in self.copies:
            try:
                copy.parent.mkdir(parents=True, exist_ok=True)
                for stale in (copy, copy.with_name(copy.name + ".wal")):
                    stale.unlink(missing_ok=True)
                if source.is_file():
                    shutil.copyfile(source, copy)
                    log = source.with_name(source.name + ".wal")
                    if log.is_file():
                        shutil.copyfile(log, copy.with_name(copy.name + ".wal"))
            except OSError as error:
                reason = (error.strerror or str(error)).lower()
                message = f"the database {source} cannot be copied: {reason}"
                raise ProgramMissing(message, "free some space, or mend its permissions") from error


def load_profile(place: Place, target: str = "") -> Profile:
    """The profile of a project, its database files replaced by copies.

    Args:
        place: where the tests run.
        target: the one that the person named; empty for the profile's own.

    Raises:
        UsageError: there is no profiles.yml, no such profile or target.
        InputError: a file is no YAML.
        WaitsForPerson: it writes into a database that cannot be copied, unasked.
    """
    file = _profiles_file(place)
    name = _text(_yaml(place.origin / "dbt_project.yml").get("profile"), place.environ)
    profile = _yaml(file).get(name)
    if not isinstance(profile, dict):
        raise UsageError(f"{file} has no profile {name!r}", "dbt debug says what it looks for")
    chosen = target or _text(profile.get("target", "default"), place.environ)
    outputs = profile.get("outputs")
    output = outputs.get(chosen) if isinstance(outputs, dict) else None
    if not isinstance(output, dict):
        raise UsageError(f"the profile {name} has no target {chosen!r}", "name one of its outputs")
    kind = _text(output.get("type"), place.environ)
    copied = _copied(output, place) if kind == "duckdb" else None
    if copied is None:
        if not target:
            raise WaitsForPerson(
                f"the tests of this project write into {kind}, target {chosen}",
                f"if that is meant, say so: --target {chosen}",
            )
        return Profile(file.parent, chosen, kind)
    output, copies = copied
    folder = place.private / "profile"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write(folder / "profiles.yml", {name: {"target": chosen, "outputs": {chosen: output}}})
    return Profile(folder, chosen, kind, copies)


def variables_of(project: Path) -> tuple[str, ...]:
    """Names of the environment variables that a project asks for with ``env_var``."""
    found: dict[str, None] = {}
    for file in _files(project):
        if file.suffix in _READ:
            text = file.read_text(encoding="utf-8", errors="replace")
            found.update(dict.fromkeys(_CALL.findall(text)))
    return tuple(found)


def _files(project: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(project):
        folders[:] = [f for f in folders if not f.startswith(".") and f not in _SKIPPED]
        yield from (Path(folder) / name for name in files if (Path(folder) / name).is_file())


def _profiles_file(place: Place) -> Path:
    """Where dbt would look, in its order."""
    named, home = place.environ.get("DBT_PROFILES_DIR"), place.environ.get("HOME")
    folders = [Path(named)] if named else [place.origin]
    folders += [Path(home) / ".dbt"] if home and not named else []
    for folder in folders:
        if (folder / "profiles.yml").is_file():
            return folder / "profiles.yml"
    looked = " and ".join(str(folder) for folder in folders)
    raise UsageError(
        f"there is no profiles.yml in {looked}", "dbt init makes one; DBT_PROFILES_DIR names one"
    )


def _copied(
    output: Mapping[str, Any], place: Place
) -> tuple[dict[str, Any], tuple[tuple[Path, Path], ...]] | None:
    """The output with private files in place of the person's; None where that cannot be done."""
    path = _text(output.get("path", ":memory:"), place.environ)
    new = _private(path, place, "main")
    if new is None:
        return None
    copies = [] if new[0] is None else [(new[0], new[1])]
    changed: dict[str, Any] = {**output, "path": str(new[1])}
    attached = []
    for entry in output.get("attach") or []:
        found = _attached(entry, place)
        if found is None:
            return None
        attached.append(found[0])
        copies += found[1]
    if attached:
        changed["attach"] = attached
    return changed, tuple(copies)


def _attached(entry: Any, place: Place) -> tuple[dict[str, Any], list[tuple[Path, Path]]] | None:
    """Another database of the same connection: one that is only read stays where it is."""
    if not isinstance(entry, dict) or "path" not in entry:
        return None
    path = _text(entry["path"], place.environ)
    if entry.get("read_only"):
        where = path if "://" in path or ":" in path[:9] else str(_absolute(path, place))
        return {**entry, "path": where}, []
    alias = str(entry.get("alias") or Path(path).stem)
    new = _private(path, place, alias)
    if new is None:
        return None
    copies = [] if new[0] is None else [(new[0], new[1])]
    return {**entry, "path": str(new[1]), "alias": alias}, copies


def _private(path: str, place: Place, folder: str) -> tuple[Path | None, Path] | None:
    """The person's file, if there may be one, and ours; None for what is no file of this machine.

    dbt-duckdb names the catalog after the file, so the copy keeps the name.
    """
    if "{{" in path or re.match(r"[a-z0-9]{2,}:", path):
        return None
    parent = place.private / "db" / folder
    if path.startswith(":memory:"):
        return Path(os.devnull), parent / "memory.duckdb"
    source = _absolute(path, place)
    return source, parent / source.name


def _absolute(path: str, place: Place) -> Path:
    return place.origin / Path(path).expanduser()


def _text(value: Any, environ: Mapping[str, str]) -> str:
    """A value with ``env_var`` filled in; other Jinja stays."""

    def fill(match: re.Match[str]) -> str:
        return environ.get(match["name"], match["default"] or "")

    return _VALUE.sub(fill, str(value if value is not None else ""))


def _yaml(file: Path) -> dict[str, Any]:
    try:
        data = YAML(typ="safe").load(file)
    except (YAMLError, UnicodeDecodeError) as error:
        said = " ".join(str(error).split())
        raise InputError(f"{file.name} is not YAML: {said}", "dbt debug says more") from error
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}", "check the path") from error
    return data if isinstance(data, dict) else {}


def _write(file: Path, data: Any) -> None:
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as opened:
        YAML(typ="safe").dump(data, opened)
