"""Projects that the generator makes, for tests; their code may be changed on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tests.tools.verify.specs import spec
from tools.artifact import Artifact
from tools.generate.base import generate
from tools.plan import Plan, make_plan
from tools.spec.load import LoadedSpec
from tools.spec.model import Spec
from tools.verify.subject import Subject


@dataclass(frozen=True)
class Generated:
    """A spec and its code in a folder."""

    loaded: LoadedSpec
    plan: Plan
    artifacts: tuple[Artifact, ...]
    root: Path

    @property
    def project(self) -> Path:
        return self.root / "generated" / "dbt"

    @property
    def database(self) -> Path:
        return self.root / ".specmill" / "db" / f"{self.loaded.spec.pipeline}.duckdb"

    @property
    def subject(self) -> Subject:
        return Subject(
            self.loaded, self.plan, self.artifacts, self.project, self.database, (self.root,)
        )


def write(
    text: str,
    root: Path,
    changes: Mapping[str, Callable[[str], str]] | None = None,
    others: Mapping[str, Spec] | None = None,
) -> Generated:
    """Generates the code of a spec; ``changes`` edit files by the end of their path."""
    loaded = spec(text, root)
    plan = make_plan(loaded.spec, loaded.digest)
    artifacts = []
    for artifact in generate(plan, loaded.spec, others or {}):
        content = artifact.content
        for suffix, change in (changes or {}).items():
            if artifact.path.endswith(suffix):
                content = change(content)
                assert content != artifact.content, f"the change of {suffix} changes nothing"
        artifacts.append(replace(artifact, content=content))
        file = root / artifact.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    return Generated(loaded, plan, tuple(artifacts), root)
