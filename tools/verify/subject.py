"""What a verification is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tools.artifact import Artifact
from tools.plan import Plan
from tools.rules.engine import Change
from tools.spec.load import LoadedSpec


@dataclass(frozen=True)
class Subject:
    """What is verified.

    Args:
        loaded: the spec.
        plan: its plan.
        artifacts: the generated files, as they are on disk.
        project: the dbt project that holds them (``.../generated/dbt``).
        database: the DuckDB file; it stays between runs.
        roots: folders under which data files are looked for.
        others: specs of models that this one reads, by model name.
        changed: what the run changes, for rules on the diff.
    """

    loaded: LoadedSpec
    plan: Plan
    artifacts: tuple[Artifact, ...]
    project: Path
    database: Path
    roots: tuple[Path, ...]
    others: Mapping[str, LoadedSpec] = field(default_factory=dict)
    changed: tuple[Change, ...] = ()
