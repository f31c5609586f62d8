"""specmill verify --against REV: the code of a pipeline as it was, and as it lies here now."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from agent.config import Settings
from agent.nodes.specs import load_resolved, roots_of
from agent.terminal.progress import Progress
from agent.verifying import artifacts_of, others_of, place_of, wanted_specs
from tools import layout
from tools.errors import UsageError
from tools.lock import LOCK
from tools.lock_file import LockFile
from tools.repo import Repo
from tools.spec.load import LoadedSpec
from tools.verify.regression.compare import Comparison
from tools.verify.regression.report import ModelMove, Regression
from tools.verify.regression.sides import Revision, compile_side, rows_of
from tools.workspace import Workspace, run_lock

if TYPE_CHECKING:
    from tools.verify.worker import DbtWorker

_PARTS = ("specs", "custom", "generated/dbt", LOCK)


def compare_specs(
    workspace: Workspace,
    settings: Settings,
    files: Sequence[Path],
    rev: str,
    *,
    worker: DbtWorker,
    progress: Progress,
) -> Iterator[Regression]:
    """Compares the generated code of some specs, or of all that have some, with a revision.

    Raises:
        UsageError: no git repository, no such revision, or no generated code at it or here.
        InputError: a spec cannot be read.
        ProgramMissing: dbt or git is missing, or something else works in this workspace.
    """
    repo, commit = _commit(workspace, rev)
    wanted = wanted_specs(workspace, settings, files)
    with run_lock(workspace.state, "verify --against"):
        workspace.state.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="against-", dir=workspace.state) as folder:
            past = Workspace(Path(folder) / "tree")
            past.root.mkdir()
            repo.export(commit, _PARTS, past.root)
            lock = LockFile.load(past.root)
            repo.export(commit, [s.path for s in lock.specs.values()], past.root)
            if not any(loaded.spec.pipeline in lock.specs for loaded in wanted):
                raise _nothing_there(rev, commit, [w.spec.pipeline for w in wanted])
            both = _Both(workspace, past, settings, worker, progress)
            for loaded in wanted:
                found = both.compare(loaded, lock)
                yield replace(found, revision=rev, commit=commit)


def _commit(workspace: Workspace, rev: str) -> tuple[Repo, str]:
    repo = Repo.open(workspace.root)
    if repo is None:
        raise UsageError(
            f"{workspace.root} is in no git repository: there is no earlier code to compare with",
            "commit the generated code, change it, and compare then",
        )
    commit = repo.commit_of(rev)
    if commit is None:
        raise UsageError(
            f"{rev!r} names no commit of this repository",
            "name a branch, a tag or a commit: git log --oneline -- specmill.lock lists those "
            "with generated code; in a shallow clone fetch it first",
        )
    return repo, commit


def _nothing_there(rev: str, commit: str, pipelines: Sequence[str]) -> UsageError:
    names = ", ".join(pipelines)
    return UsageError(
        f"there is no generated code of {names} at {rev} ({commit[:10]})",
        f"name a revision whose {LOCK} has it: git log --oneline --all -- {LOCK}; the code of a "
        "run that was not merged is on its branch specmill/PIPELINE",
    )


class _Both:
    """Pipelines as they were and as they are.

    Args:
        workspace: the present one.
        past: what the revision holds.
        settings: of the present one.
        worker: a warm dbt.
        progress: told what happens.
    """

    def __init__(
        self,
        workspace: Workspace,
        past: Workspace,
        settings: Settings,
        worker: DbtWorker,
        progress: Progress,
    ) -> None:
        self._workspace, self._past, self._settings = workspace, past, settings
        self._worker, self._progress = worker, progress

    def compare(self, loaded: LoadedSpec, lock: LockFile) -> Regression:
        """One pipeline."""
        started = time.monotonic()
        pipeline = loaded.spec.pipeline
        self._progress.start(pipeline, "regression: reading both revisions")
        tree = place_of(self._workspace, loaded)
        if tree is None:
            raise UsageError(
                f"{pipeline} has no generated code here", f"make it: specmill run {loaded.path}"
            )
        notes = self._notes(loaded, tree)
        shown = tree.relative_to(self._workspace.root).as_posix()
        if pipeline not in lock.specs:
            names = [ModelMove(m.name, "added") for m in loaded.spec.models]
            notes.append("the revision has no generated code of this pipeline: all of it is new")
            found = Regression(pipeline, "", "", shown, models=tuple(names), notes=tuple(notes))
        else:
            found = self._compared(loaded, tree, lock, notes)
        seconds = round(time.monotonic() - started, 2)
        moved = sum(m.state != "same" for m in found.models)
        detail = f"{moved} of {len(found.models)} models moved" if moved else "nothing moved"
        self._progress.finish(pipeline, seconds, ok=not found.moved, detail=detail)
        return replace(found, seconds=seconds, tree=shown)

    def _notes(self, loaded: LoadedSpec, tree: Path) -> list[str]:
        locked = LockFile.load(tree).specs[loaded.spec.pipeline]
        if locked.digest == loaded.digest:
            return []
        text = (
            f"{loaded.path} has changed since its code was generated: what is compared is the "
            f"code as it lies here (bring it up to date: specmill run {loaded.path})"
        )
        return [text]

    def _compared(
        self, loaded: LoadedSpec, tree: Path, lock: LockFile, notes: list[str]
    ) -> Regression:
        pipeline = loaded.spec.pipeline
        past = self._past
        roots = (past.root, *roots_of(self._workspace, self._settings))
        there = past.root / lock.specs[pipeline].path
        if there.is_file():
            old = load_resolved(there, past, roots)
        else:
            old = loaded
            notes.append("the revision has the code and not its spec: the present spec is used")
        before = self._revision(past, past.root, old, roots)
        after = self._revision(
            self._workspace, tree, loaded, roots_of(self._workspace, self._settings)
        )

        def say(text: str) -> None:
            self._progress.say(f"regression: {text}")

        sides = []
        for name, revision in (("before", before), ("now", after)):
            say(f"dbt compile, as it {'was' if name == 'before' else 'is now'}")
            with tempfile.TemporaryDirectory(prefix="db-", dir=past.root.parent) as place:
                database = Path(place) / f"{name}.duckdb"
                sides.append(compile_side(revision, self._worker, database))
        for side, revision in zip(sides, (before, after), strict=True):
            if side.case.compiled.error:
                raise UsageError(
                    f"dbt cannot compile {pipeline} "
                    f"{'at the revision' if revision is before else 'as it lies here'}: "
                    f"{side.case.compiled.error.strip().splitlines()[0]}",
                    "mend it first: specmill verify says where"
                    if revision is after
                    else "compare with another revision",
                )
        comparison = Comparison(sides[0], sides[1], lambda: rows_of(before, after), say)
        models, metrics = comparison.run()
        return Regression(pipeline, "", "", "", comparison.datasets, models, metrics, tuple(notes))

    def _revision(
        self, workspace: Workspace, tree: Path, loaded: LoadedSpec, roots: Sequence[Path]
    ) -> Revision:
        return Revision(
            loaded,
            others_of(workspace, loaded, roots),
            artifacts_of(tree, loaded.spec.pipeline),
            tree / str(layout.DBT),
        )
