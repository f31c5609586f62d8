"""What rules look at: a spec, its plan, the generated files, and what changed since last time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from tools import layout
from tools.artifact import Artifact
from tools.errors import InputError
from tools.findings import Finding, Location
from tools.plan import Plan
from tools.rules.properties import ModelProperties, read_properties
from tools.spec.load import LoadedSpec, parse_spec
from tools.spec.model import Spec
from tools.spec.transform import Measure, Model, OutputColumn
from tools.sql.audit import Audit, audit

BUILD_DIALECT = "duckdb"
"""Generated SQL is written in it: that is where a run builds and proves."""

_NOT_QUERIES = ("macro", "test", "materialization")


@dataclass(frozen=True)
class Change:
    """A file that differs from what was there before.

    Args:
        path: posix path relative to the workspace root.
        kind: how it differs.
        before: its text before, None when it is new.
        after: its text now, None when it is gone.
    """

    path: str
    kind: Literal["added", "modified", "deleted"]
    before: str | None
    after: str | None


@dataclass(frozen=True)
class Subject:
    """Everything that a constitution is evaluated on; any part may be missing.

    ``changed`` holds the spec file too when it changed: its ``before`` is the previous spec.
    ``today`` is the day on which waivers are judged; without it each of them has expired.
    """

    loaded: LoadedSpec | None
    plan: Plan | None
    artifacts: tuple[Artifact, ...]
    changed: tuple[Change, ...] = ()
    today: dt.date = dt.date.max


@dataclass(frozen=True)
class SqlFile:
    """A generated query: a dbt model, a singular test, or a snapshot."""

    artifact: Artifact
    kind: Literal["model", "test", "snapshot"]
    name: str
    layer: str

    @property
    def path(self) -> str:
        """Relative to the workspace root."""
        return self.artifact.path

    @property
    def text(self) -> str:
        """As dbt reads it, Jinja and all."""
        return self.artifact.content

    def audit(self) -> Audit:
        """What there is to say about its syntax tree.

        Raises:
            SqlError: when it does not parse.
        """
        return audit(self.artifact.content, BUILD_DIALECT)


@dataclass(frozen=True)
class Revision:
    """Two versions of a spec."""

    before: Spec
    after: Spec


def _spec_of(text: str | None, change: Change) -> Spec | None:
    try:
        return parse_spec(text, path=change.path, file=Path(change.path)).spec if text else None
    except InputError:
        return None  # nobody can rely on what was no spec


class View:
    """A subject with what rules ask of it again and again, worked out once."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject

    @property
    def loaded(self) -> LoadedSpec | None:
        """The spec with its positions."""
        return self.subject.loaded

    @property
    def spec(self) -> Spec | None:
        """The spec."""
        return self.subject.loaded.spec if self.subject.loaded else None

    @cached_property
    def spec_json(self) -> dict[str, Any]:
        """The spec as plain JSON, every default filled in; empty without a spec."""
        return plain(self.spec) if self.spec else {}

    def at(self, *path: str | int) -> Location | None:
        """Where a part of the spec stands."""
        return self.loaded.at(*path) if self.loaded else None

    @cached_property
    def _read_properties(self) -> tuple[dict[str, ModelProperties], tuple[Finding, ...]]:
        found: dict[str, ModelProperties] = {}
        wrong: list[Finding] = []
        for artifact in self.subject.artifacts:
            if PurePosixPath(artifact.path).suffix in (".yml", ".yaml"):
                try:
                    models = read_properties(artifact.content, artifact.path)
                except InputError as error:
                    wrong.extend(error.findings)
                    continue
                found.update({m.name.lower(): m for m in models})
        return found, tuple(wrong)

    @property
    def properties(self) -> Mapping[str, ModelProperties]:
        """What the generated YAML says of each dbt model, by name in lower case."""
        return self._read_properties[0]

    @property
    def unreadable(self) -> tuple[Finding, ...]:
        """Why generated YAML files could not be read."""
        return self._read_properties[1]

    @cached_property
    def sql(self) -> tuple[SqlFile, ...]:
        """The generated queries; macros and generic tests are none."""
        return tuple(f for a in self.subject.artifacts if (f := sql_file(a)) is not None)

    def sql_of(self, name: str) -> SqlFile | None:
        """The generated query of a dbt model."""
        found = (f for f in self.sql if f.kind == "model" and f.name.lower() == name.lower())
        return next(found, None)

    def model_of(self, dbt_model: str) -> Model | None:
        """The spec's model that a dbt model is made for; its change log counts as it."""
        for model in self.spec.models if self.spec else ():
            names = (model.name.lower(), layout.change_log_name(model).lower())
            if dbt_model.lower() in names:
                return model
        return None

    @cached_property
    def revision(self) -> Revision | None:
        """The spec before and after, when its file changed and could be read before.

        Both as written: what is only read from data or assumed is in neither, so that it cannot
        look like a change.
        """
        for change in self.subject.changed if self.loaded else ():
            if self.loaded and f"/{self.loaded.file.as_posix()}".endswith(f"/{change.path}"):
                before, after = _spec_of(change.before, change), _spec_of(change.after, change)
                return Revision(before, after) if before and after else None
        return None

    def names(self) -> Iterator[str]:
        """Every path and name that findings may be about, for waivers that match nothing."""
        if self.loaded and self.spec:
            yield self.loaded.path
            yield self.spec.pipeline
            for model in self.spec.models:
                yield model.name
                yield from (f"{model.name}.{c.name}" for _, _, c in declared_outputs(model))
            for source in self.spec.sources:
                yield from (f"{source.name}.{t.name}" for t in source.tables)
        yield from (a.path for a in self.subject.artifacts)
        yield from (c.path for c in self.subject.changed)


def plain(spec: Spec) -> dict[str, Any]:
    """A spec as plain JSON, every default filled in."""
    return spec.model_dump(mode="json", by_alias=True)


def declared_outputs(
    model: Model,
) -> Iterator[tuple[Literal["columns", "aggregations"], int, OutputColumn | Measure]]:
    """The columns and aggregations that a model declares, with their place in the spec."""
    for index, column in enumerate(model.columns):
        yield "columns", index, column
    for index, measure in enumerate(model.aggregations):
        yield "aggregations", index, measure


def sql_file(artifact: Artifact) -> SqlFile | None:
    """An artifact as a query, or None when it is something else."""
    path = PurePosixPath(artifact.path)
    if path.suffix != ".sql" or "macros" in path.parts:
        return None
    if any(f"{{% {word} " in artifact.content for word in _NOT_QUERIES):
        return None
    kind: Literal["model", "test", "snapshot"] = "model"
    if "tests" in path.parts:
        kind = "test"
    elif "snapshots" in path.parts or "{% snapshot" in artifact.content:
        kind = "snapshot"
    layer = next((p for p in path.parts if p in ("staging", "intermediate", "marts")), "")
    return SqlFile(artifact, kind, path.stem, layer)
