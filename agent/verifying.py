"""The checks of a run on what lies there now: in the workspace, or on the branch of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.config import Settings
from agent.nodes.reading import as_kept
from agent.nodes.specs import load_resolved, neighbours, roots_of, spec_files, upstream
from agent.nodes.test import database_of, describe
from agent.terminal.progress import Progress
from tools import layout
from tools.artifact import Artifact
from tools.errors import UsageError
from tools.lock import LOCK, on_disk
from tools.lock_file import LockFile
from tools.plan import make_plan
from tools.repo import Repo
from tools.rules.load import load_constitution
from tools.spec.lint import lint
from tools.spec.load import LoadedSpec
from tools.verify.outcome import Outcome
from tools.verify.runner import verify
from tools.verify.subject import Subject
from tools.workspace import Workspace, run_lock

if TYPE_CHECKING:
    from tools.verify.worker import DbtWorker


@dataclass(frozen=True)
class Verified:
    """What the checks of one pipeline said.

    Args:
        pipeline: its name.
        tree: where its code lies, relative to the workspace.
        outcome: the tiers and what they found.
        proposals: the file with unit tests that are proposed; empty if none are.
    """

    pipeline: str
    tree: str
    outcome: Outcome
    proposals: str = ""

    @property
    def exit_code(self) -> int:
        """0, or 1 when something does not hold."""
        return 0 if self.outcome.report.ok else 1

    def to_json(self) -> dict[str, Any]:
        """The JSON of it."""
        return {
            "ok": self.exit_code == 0,
            "pipeline": self.pipeline,
            "tree": self.tree,
            "proposals": self.proposals,
            "outcome": self.outcome.to_json(),
        }


def verify_specs(
    workspace: Workspace,
    settings: Settings,
    files: Sequence[Path],
    worker: DbtWorker,
    progress: Progress,
    *,
    explain: str = "",
    fresh: bool = False,
) -> Iterator[Verified]:
    """Checks the generated code of some specs, or of all that have some.

    Args:
        workspace: where the specs lie.
        settings: of the call.
        files: the specs; all that have generated code if empty.
        worker: a warm dbt.
        progress: told what happens.
        explain: a model of which every row that it is proved on is wanted, with its reason.
        fresh: whether nothing is taken from former runs.

    Raises:
        UsageError: a spec has no generated code.
        InputError: a spec or the constitution cannot be read, or a spec has errors.
    """
    wanted = wanted_specs(workspace, settings, files)
    with run_lock(workspace.state, "verify"):
        for loaded in wanted:
            named = loaded.spec.model_named(explain) is not None
            chosen = explain if named else ""
            yield _verify(
                workspace, settings, loaded, worker, progress, explain=chosen, fresh=fresh
            )  # fmt: skip


def wanted_specs(
    workspace: Workspace, settings: Settings, files: Sequence[Path]
) -> list[LoadedSpec]:
    """The specs that were named, or all that have generated code.

    Raises:
        UsageError: nothing has any.
        InputError: a spec cannot be read.
    """
    wanted = [load_resolved(f, workspace, roots_of(workspace, settings)) for f in files]
    if not files:
        wanted = [loaded for loaded in _known(workspace, settings) if place_of(workspace, loaded)]
    if not wanted:
        raise UsageError("there is no generated code here", "make some: specmill run SPEC")
    return wanted


def _known(workspace: Workspace, settings: Settings) -> list[LoadedSpec]:
    roots = roots_of(workspace, settings)
    return [load_resolved(file, workspace, roots) for file in spec_files(workspace)]


def place_of(workspace: Workspace, loaded: LoadedSpec) -> Path | None:
    """The tree that holds the pipeline's code: the workspace, else the work tree of its runs."""
    pipeline = loaded.spec.pipeline
    if pipeline in LockFile.load(workspace.root).specs:
        return workspace.root
    work = workspace.state / "work" / pipeline
    if work.is_dir():
        repo = Repo.open(workspace.root)
        tree = work / (repo.prefix if repo else "")
        if tree.is_dir() and pipeline in LockFile.load(tree).specs:
            return tree
    return None


def others_of(
    workspace: Workspace, loaded: LoadedSpec, roots: Sequence[Path]
) -> Mapping[str, LoadedSpec]:
    """The specs of models that a spec reads, by model name."""

    def load(file: Path) -> LoadedSpec:
        return load_resolved(file, workspace, roots)

    near = neighbours(loaded, spec_files(workspace), load)
    return {m.name: other for other in upstream(loaded, near) for m in other.spec.models}


def artifacts_of(root: Path, pipeline: str) -> tuple[Artifact, ...]:
    """The files of a pipeline as they are on disk now."""
    return tuple(
        Artifact(path, text, file.origin, pipeline)
        for path, file in LockFile.load(root).files.items()
        if pipeline in file.owners and (text := on_disk(root, path)) is not None
    )


def _verify(
    workspace: Workspace,
    settings: Settings,
    loaded: LoadedSpec,
    worker: DbtWorker,
    progress: Progress,
    *,
    explain: str,
    fresh: bool,
) -> Verified:
    spec = loaded.spec
    root = place_of(workspace, loaded)
    if root is None:
        raise UsageError(
            f"{spec.pipeline} has no generated code in {LOCK} or on a branch of a run",
            f"make it: specmill run {loaded.path}",
        )
    progress.start(spec.pipeline, "reading")
    artifacts = artifacts_of(root, spec.pipeline)
    started = datetime.now(UTC)
    read, unsaid = as_kept(loaded, root)
    outcome = verify(
        Subject(
            loaded=read,
            plan=make_plan(spec, loaded.digest),
            artifacts=artifacts,
            project=root / str(layout.DBT),
            database=database_of(workspace, spec.pipeline),
            roots=roots_of(workspace, settings),
            others=others_of(workspace, loaded, roots_of(workspace, settings)),
        ),
        constitution=load_constitution(workspace.constitution),
        worker=worker,
        level="quick" if settings.level == "quick" else "full",
        proof=True,
        progress=progress.say,
        today=started.date(),
        explain=explain,
        fresh=fresh,
        rebuild=fresh,
    )
    seconds = (datetime.now(UTC) - started).total_seconds()
    progress.finish(spec.pipeline, seconds, ok=outcome.report.ok, detail=describe(outcome))
    report = lint(loaded) + outcome.report
    tree = root.relative_to(workspace.root).as_posix()
    not_run = (*outcome.not_run, *unsaid)
    return Verified(spec.pipeline, tree, replace(outcome, report=report, not_run=not_run))
