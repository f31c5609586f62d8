"""A run again, with the answers that were recorded: same files, no network, or where it differs.

It takes place in a copy of the workspace as it was when the run began, below the state folder, and
leaves nothing behind in the person's own files or branches.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from agent.config import Settings
from agent.graph import read_state
from agent.model.recorded import Recorded
from agent.recording import FILE, read_recording
from agent.run import BEGAN, Engine
from agent.runs import CHECKPOINTS, find_run, runs_folder
from agent.state import RunState
from agent.terminal.progress import Progress
from tools.errors import ProgramMissing, SpecmillError, UsageError
from tools.lock import LOCK
from tools.repo import Repo
from tools.shell import run
from tools.verify.worker import DbtWorker
from tools.workspace import Workspace, read_text
from tools.workspace_write import write_atomic

_LEFT_OUT = (".git", ".specmill", ".venv", "node_modules", "__pycache__", "generated", LOCK)
_GIT_SECONDS = 300.0


@dataclass(frozen=True)
class Replayed:
    """What came of a replay.

    Args:
        run: the run that was replayed.
        files: how many files both made, alike.
        different: files that are not the same, or that only one of the two made.
        divergence: the first request that was another one, as ``Divergence.to_json`` gives it.
        left: recorded answers that nobody asked for.
        failure: why it ended early.
    """

    run: str
    files: int
    different: tuple[str, ...]
    divergence: dict[str, Any]
    left: int
    failure: str

    @property
    def ok(self) -> bool:
        """Whether it went as the recorded run did."""
        return not (self.different or self.divergence or self.left or self.failure)

    def to_json(self) -> dict[str, Any]:
        """A JSON document."""
        return {"ok": self.ok, **self.__dict__, "different": list(self.different)}


def replay(
    workspace: Workspace,
    settings: Settings,
    name: str,
    *,
    progress: Callable[[], Progress],
) -> Replayed:
    """Runs it again in a copy of the workspace.

    Args:
        workspace: with the run.
        settings: those that the run does not keep.
        name: of the run, or ``last``.
        progress: makes a display.

    Raises:
        UsageError: there is no such run, or it was made before runs were kept for this.
        ProgramMissing: git cannot make the copy.
    """
    run_id = find_run(workspace, name)
    folder = runs_folder(workspace) / run_id
    if not (folder / BEGAN).is_file():
        raise UsageError(f"the run {run_id} does not say how it began", "it is too old to replay")
    began = json.loads(read_text(folder / BEGAN))
    before = read_state(workspace.state / CHECKPOINTS, run_id).state
    scratch = workspace.state / "replay" / run_id
    shutil.rmtree(scratch, ignore_errors=True)
    try:
        copy = _copy(workspace, scratch, began, before)
        model = Recorded(read_recording(folder / FILE))
        after, failure = _again(copy, settings, began, before, model=model, progress=progress)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    old, new = _files(before), _files(after)
    different = sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path))
    return Replayed(
        run_id,
        len(old.keys() & new.keys()) - sum(path in old and path in new for path in different),
        tuple(different),
        model.divergence.to_json() if model.divergence else {},
        model.left,
        failure,
    )


def _files(state: RunState) -> dict[str, str]:
    return {f["path"]: f["sha256"] for f in state.get("files", []) if f["change"] != "removed"}


def _again(
    workspace: Workspace,
    settings: Settings,
    began: dict[str, Any],
    before: RunState,
    *,
    model: Recorded,
    progress: Callable[[], Progress],
) -> tuple[RunState, str]:
    """The state after the run was walked once more, and why it ended early, if it did."""
    flags = {key: before[key] for key in ("target", "level", "commit", "workflow")}  # type: ignore[literal-required]
    moment = datetime.fromisoformat(began["now"])
    with DbtWorker(workspace.state, query_seconds=settings.query_seconds) as worker:
        engine = Engine(
            workspace=workspace,
            settings=settings.with_flags(**flags),
            worker=worker,
            progress=progress,
            clock=lambda: moment,
            model=(lambda: model) if model.left else None,
        )
        try:
            return engine.start(workspace.root / before["spec"], name=before["run"]).state, ""
        except SpecmillError as error:
            state = read_state(workspace.state / CHECKPOINTS, before["run"]).state
            return state, error.message


def _copy(
    workspace: Workspace, scratch: Path, began: dict[str, Any], before: RunState
) -> Workspace:
    """The workspace as it was when the run began, as far as that is known.

    What people wrote comes as it is today, but for the spec; what is generated as it was then.
    """
    scratch.parent.mkdir(parents=True, exist_ok=True)
    repo = Repo.open(workspace.root) if before["commit"] else None
    root = scratch / (workspace.root.resolve().relative_to(repo.top.resolve()) if repo else ".")
    if repo:
        _clone(repo.top, scratch, began)
    ignore = shutil.ignore_patterns(*_LEFT_OUT)
    shutil.copytree(workspace.root, root, symlinks=True, ignore=ignore, dirs_exist_ok=True)
    copy = Workspace(root.resolve())
    approvals = workspace.state / "approvals.jsonl"
    if approvals.is_file():
        write_atomic(root, ".specmill/approvals.jsonl", read_text(approvals))
    for path, text in began["texts"].items():
        write_atomic(root, path, text)
    return copy


def _clone(top: Path, scratch: Path, began: dict[str, Any]) -> None:
    """A clone that shares the objects of the repository, at the commits of then."""
    _git("clone", "--quiet", "--shared", "--no-checkout", str(top), str(scratch))
    _git("-C", str(scratch), "checkout", "--quiet", "-B", "replay", began["head"])
    if began["tip"]:
        _git("-C", str(scratch), "branch", "--quiet", began["branch"], began["tip"])
    for key in ("user.name", "user.email"):
        value = _git("-C", str(top), "config", "--default", "", key)
        if value:
            _git("-C", str(scratch), "config", key, value)


def _git(*args: str) -> str:
    done = run(("git", *args), cwd=Path.cwd(), timeout=_GIT_SECONDS)
    if done.code != 0:
        said = done.stderr.strip().splitlines()
        raise ProgramMissing(
            f"git {' '.join(args[:2])} failed: {said[-1] if said else done.code}",
            "the commits that the run began from may be gone",
        )
    return done.stdout.strip()
