"""The lock file as data: read, changed, written; drift against it is in :mod:`tools.lock`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tools.artifact import Artifact, Origin
from tools.errors import InputError, UsageError
from tools.findings import Finding, Location, Severity
from tools.workspace import check_relative, read_text, shown

LOCK = "specmill.lock"
"""The name of the lock file, at the root of the workspace."""

FORMAT = 1
_REWRITE = (
    "Take either side whole (git checkout --ours specmill.lock, or --theirs), "
    "then run specmill again: it brings the file up to date."
)

_STRICT = ConfigDict(extra="forbid", frozen=True, strict=True)
_Sha256 = Field(pattern=r"^[0-9a-f]{64}$")


class LockedSpec(BaseModel):
    """A spec as it was when its pipeline was generated; ``path`` is relative to the workspace."""

    model_config = _STRICT

    digest: str = _Sha256
    version: str
    path: str


class LockedAuthor(BaseModel):
    """Who wrote an authored file, and from what; see :class:`tools.artifact.Authorship`."""

    model_config = _STRICT

    step: str
    part: str = _Sha256
    model: str
    run: str


class LockedFile(BaseModel):
    """A generated file; ``owners`` are the pipelines that make it, sorted."""

    model_config = _STRICT

    sha256: str = _Sha256
    origin: Origin
    owners: list[str] = Field(min_length=1)
    generator: str
    author: LockedAuthor | None = None


class LockFile(BaseModel):
    """The content of ``specmill.lock``: pipelines and generated paths by name."""

    model_config = _STRICT

    format: Literal[1] = 1
    specs: Mapping[str, LockedSpec] = {}
    files: Mapping[str, LockedFile] = {}

    @staticmethod
    def load(root: Path) -> LockFile:
        """The lock file of a workspace; an empty one when there is none yet.

        Raises:
            InputError: it is damaged; the finding has the line.
            ProgramMissing: it cannot be read.
        """
        path = root / LOCK
        return parse_lock(read_text(path), shown(path)) if path.exists() else LockFile()

    def dumps(self) -> str:
        """The text of the file: the same lock gives the same bytes."""
        data = {**self.model_dump(mode="json", exclude_none=True), "format": FORMAT}
        return json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n"

    def update(
        self, pipeline: str, spec: LockedSpec, artifacts: Sequence[Artifact], generator: str
    ) -> tuple[LockFile, tuple[str, ...]]:
        """The lock after ``pipeline`` was generated.

        Args:
            pipeline: its name, which becomes an owner of each of the files.
            spec: what it was made from.
            artifacts: all files that it makes now.
            generator: what made them, such as ``specmill 0.1.0``.

        Returns:
            The new lock, and the paths that nobody makes any more; delete those that
            :func:`is_unedited` by the lock as it was.
        """
        files, dropped = self._without(pipeline, {a.path for a in artifacts})
        lock = LockFile(specs={**self.specs, pipeline: spec}, files=files)
        return lock.with_files(pipeline, artifacts, generator), dropped

    def with_files(self, pipeline: str, artifacts: Sequence[Artifact], generator: str) -> LockFile:
        """The lock with these files of a pipeline, beside those that it has."""
        files = dict(self.files)
        for artifact in artifacts:
            others = files[artifact.path].owners if artifact.path in files else []
            files[artifact.path] = LockedFile(
                sha256=artifact.sha256,
                origin=artifact.origin,
                owners=sorted({*others, pipeline}),
                generator=generator,
                author=LockedAuthor(**vars(artifact.by)) if artifact.by else None,
            )
        return LockFile(specs=self.specs, files=files)

    def forget(self, pipeline: str) -> tuple[LockFile, tuple[str, ...]]:
        """The lock without a pipeline, and the paths that nobody makes any more."""
        files, dropped = self._without(pipeline, set())
        specs = {name: spec for name, spec in self.specs.items() if name != pipeline}
        return LockFile(specs=specs, files=files), dropped

    def without_file(self, path: str) -> LockFile:
        """The lock without one generated file."""
        files = {name: file for name, file in self.files.items() if name != path}
        return LockFile(specs=self.specs, files=files)

    def _without(
        self, pipeline: str, kept: set[str]
    ) -> tuple[dict[str, LockedFile], tuple[str, ...]]:
        files, dropped = {}, []
        for path, file in self.files.items():
            owners = [o for o in file.owners if o != pipeline or path in kept]
            if owners:
                files[path] = file.model_copy(update={"owners": owners})
            else:
                dropped.append(path)
        return files, tuple(sorted(dropped))


def parse_lock(text: str, path: str) -> LockFile:
    """The lock of a text; see ``LockFile.load``.

    Raises:
        InputError: it is damaged.
    """
    markers = re.search(r"^(<{7}|\|{7}|={7}|>{7})( |$)", text, re.MULTILINE)
    if markers:
        place = Location(path, text.count("\n", 0, markers.start()) + 1)
        raise _damaged("LOCK001", place, "a merge conflict is not resolved")
    try:
        data = json.loads(text, object_pairs_hook=_unique)
    except json.JSONDecodeError as error:
        place = Location(path, error.lineno, error.colno)
        raise _damaged("LOCK002", place, f"not JSON: {error.msg}") from error
    except _TwiceError as error:
        place = Location(path, _line_of(text, error.key, last=True))
        raise _damaged("LOCK002", place, f"{error.key!r} is there twice") from error
    except (ValueError, RecursionError) as error:
        raise _damaged("LOCK002", Location(path, 1), f"not JSON: {error}") from error
    if isinstance(data, dict) and isinstance(data.get("format"), int) and data["format"] > FORMAT:
        place = Location(path, _line_of(text, "format"))
        message = f"written by a later specmill (format {data['format']}, known is {FORMAT})"
        raise _damaged("LOCK004", place, message, "Install a later specmill.")
    lock = _validated(data, text, path)
    for name in (*lock.files, *(spec.path for spec in lock.specs.values())):
        try:
            check_relative(name)
        except UsageError as error:
            place = Location(path, _line_of(text, name))
            raise _damaged("LOCK003", place, error.message) from error
    return lock


def _validated(data: Any, text: str, path: str) -> LockFile:
    try:
        return LockFile.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        keys = [str(part) for part in first["loc"]]
        message = f"{'.'.join(keys) or 'the file'}: {first['msg'].lower()}"
        raise _damaged("LOCK003", Location(path, _line_of(text, *keys)), message) from error


class _TwiceError(Exception):
    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    for key, value in pairs:
        if key in seen:
            raise _TwiceError(key)
        seen[key] = value
    return seen


def _line_of(text: str, *keys: str, last: bool = False) -> int:
    """The line of the last of nested keys that is found, each searched behind the one before."""
    place = 0
    for key in keys:
        quoted = json.dumps(key, ensure_ascii=False)
        found = text.rfind(quoted) if last else text.find(quoted, place)
        place = found if found >= 0 else place
    return text.count("\n", 0, place) + 1


def _damaged(code: str, place: Location, message: str, remedy: str = _REWRITE) -> InputError:
    finding = Finding(code, Severity.ERROR, message, place, hint=remedy)
    return InputError(f"{place}: {message}", remedy, (finding,))
