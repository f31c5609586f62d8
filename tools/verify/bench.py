"""What the checks of the properties tier share: what they need, and what they found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tools.findings import Finding, Location
from tools.spec.load import LoadedSpec
from tools.spec.model import Spec
from tools.verify.results import Project
from tools.verify.scratch import Scratch
from tools.verify.worker import DbtWorker


@dataclass
class Checked:
    """What the properties found, what could not be checked, how many loads it took."""

    findings: list[Finding] = field(default_factory=list)
    not_run: list[str] = field(default_factory=list)
    runs: int = 0


@dataclass(frozen=True)
class Bench:
    """What every check needs.

    Args:
        loaded: the spec.
        others: specs of models by name.
        database: the built database; only copied.
        worker: the process that runs dbt and SQL.
        project: the dbt project.
        level: quick or full.
        sources: (schema, name) of the source tables, lower case.
    """

    loaded: LoadedSpec
    others: Mapping[str, Spec]
    database: Path
    worker: DbtWorker
    project: Project
    level: str
    sources: frozenset[tuple[str, str]]
    progress: Callable[[str], None]

    def scratch(self, label: str) -> Scratch:
        """A database with the source tables of the built one and nothing else."""
        return Scratch(
            self.database, self.folder / label, self.worker, self.project, sources=self.sources
        )

    @property
    def folder(self) -> Path:
        """Where scratch databases lie."""
        return self.database.parent / "scratch" / self.database.stem

    def place(self, model: str) -> Location:
        """Where the spec declares a model."""
        names = [m.name for m in self.loaded.spec.models]
        return self.loaded.at("models", names.index(model), "load")
