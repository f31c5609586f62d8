"""What a person decides: a gate, or what becomes of a file that they edited by hand."""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from agent.approvals import Approval, make_approval, record_approval
from agent.config import Settings
from agent.graph import read_state
from agent.nodes.specs import load_resolved, neighbours, roots_of, spec_files
from agent.runs import CHECKPOINTS, find_run
from tools import layout, lock_adopt
from tools.artifact import Artifact
from tools.errors import SpecmillError, UsageError, WaitsForPerson
from tools.generate.base import generate
from tools.lock import LOCK, bases, is_unedited, keep_bases, on_disk
from tools.lock_file import LockFile
from tools.plan import make_plan
from tools.repo import Repo
from tools.shell import run as run_program
from tools.workspace import STATE, Workspace, read_text
from tools.workspace_write import delete_atomic, write_atomic


@dataclass(frozen=True)
class Decided:
    """What was done, as text and as data."""

    text: str
    data: dict[str, Any]

    def to_json(self) -> dict[str, Any]:
        """The JSON document."""
        return {"ok": True, **self.data}


def approve(
    workspace: Workspace, settings: Settings, subject: str, *, who: str | None, note: str
) -> Decided:
    """Records an approval of a spec as it is now, or of what a run waits for.

    Raises:
        UsageError: no such spec or run, or the run waits for no approval.
        InputError: the spec cannot be read.
    """
    gate, then = _gate_of(workspace, subject)
    approval = make_approval(gate, who or _me(workspace), datetime.now(UTC), note)
    record_approval(workspace.root / settings.approvals, approval)
    return Decided(_said(approval, then), {"approval": approval.to_json(), "next": then})


def _gate_of(workspace: Workspace, subject: str) -> tuple[dict[str, str], str]:
    if Path(subject).is_file():
        loaded = load_resolved(Path(subject), workspace, (workspace.root,))
        gate = {"what": "spec", "subject": loaded.spec.pipeline, "sha256": loaded.digest}
        return gate, f"specmill run {subject}"
    try:
        run = find_run(workspace, subject)
    except UsageError as error:
        raise UsageError(f"{subject} is neither a spec file nor a run", error.remedy) from error
    waits = read_state(workspace.state / CHECKPOINTS, run).waits
    gate = waits.get("gate", {})
    if not gate:
        reason = f"it waits for something else: {waits['message']}" if waits else "it is over"
        raise UsageError(f"run {run} waits for no approval: {reason}", f"specmill show {run}")
    return gate, f"specmill run --resume {run}"


def _me(workspace: Workspace) -> str:
    """The person as git knows them, else as the system does."""
    names = []
    for key in ("user.name", "user.email"):
        try:
            done = run_program(["git", "config", key], cwd=workspace.root, timeout=10)
        except SpecmillError:
            break
        names.append(done.stdout.strip() if done.code == 0 else "")
    name, email = (*names, "", "")[:2]
    if name or email:
        return f"{name} <{email}>".strip() if email else name
    return getpass.getuser()


def _said(approval: Approval, then: str) -> str:
    what = "spec" if approval.what == "spec" else "generated code"
    return (
        f"approved: the {what} of {approval.subject}, sha256 {approval.sha256[:12]}, "
        f"by {approval.who}\nnext: {then}"
    )


def adopt(workspace: Workspace, settings: Settings, file: str) -> Decided:
    """Moves a hand-edited model to ``custom/`` and says so in its spec.

    Raises:
        UsageError: it is not the SQL of a model that stands for itself, or not edited.
        WaitsForPerson: there is other custom code of that name.
    """
    edited = _find_edit(workspace, file)
    locked = edited.lock.specs[edited.pipeline]
    model = _model_of(workspace, settings, locked.path, edited.path)
    own = LockFile.load(workspace.root)
    spec = read_text(workspace.root / locked.path)
    custom = f"custom/{PurePosixPath(edited.path).relative_to(layout.DBT)}"
    if on_disk(workspace.root, custom) not in {None, edited.text}:
        raise WaitsForPerson(
            f"{custom} exists already and is different",
            f"bring the two together by hand, then: specmill restore {edited.path}",
        )
    adopted = lock_adopt.with_custom_sql(spec, locked.path, model, custom)
    _allow_overwriting(workspace, edited)
    write_atomic(workspace.root, custom, edited.text)
    write_atomic(workspace.root, locked.path, adopted)
    if edited.path in own.files:
        delete_atomic(workspace.root, edited.path)
        write_atomic(workspace.root, LOCK, own.without_file(edited.path).dumps())
    then = f"specmill run {locked.path}"
    text = (
        f"adopted {edited.path}\n  {custom} is yours from now on\n"
        f"  {locked.path} says so in the model {model}\nnext: {then}"
    )
    return Decided(text, {"path": edited.path, "files": [custom, locked.path], "next": then})


def restore(workspace: Workspace, settings: Settings, file: str) -> Decided:
    """Gives a generated file its generated text back; the edit is kept in the state folder.

    Raises:
        UsageError: it is no generated file, or not edited.
        WaitsForPerson: its text is nowhere to be found.
    """
    edited = _find_edit(workspace, file)
    repo = Repo.open(workspace.root)
    base_of = bases(workspace.root, repo.find_by_sha256 if repo else None)
    saved = _allow_overwriting(workspace, edited)
    kept = f"your version is kept in {saved}"
    locked = edited.lock.specs[edited.pipeline]
    then = f"specmill run {locked.path}"
    data = {"path": edited.path, "saved": saved, "next": then}
    if edited.root != workspace.root:
        where = f"on the branch of {edited.pipeline} is written again by the next run"
        return Decided(f"{edited.path} {where}; {kept}\nnext: {then}", data)
    again = _regenerated(workspace, settings, locked.path, edited.path)
    edit = lock_adopt.restore(edited.root, edited.lock, edited.path, base_of, again)
    write_atomic(edited.root, edit.path, edit.content or "")
    return Decided(f"restored {edited.path}, {edit.why}; {kept}", data)


@dataclass(frozen=True)
class _Edited:
    """A generated file that is not as generated: where, its text, its lock, who makes it."""

    root: Path
    path: str
    text: str
    lock: LockFile
    pipeline: str


def _find_edit(workspace: Workspace, file: str) -> _Edited:
    """The edit that is meant: in the person's own files, else on the branch of a run."""
    path = _relative(workspace, file)
    known = False
    for root in (workspace.root, *_work_trees(workspace)):
        lock = LockFile.load(root)
        text = on_disk(root, path)
        if path not in lock.files:
            continue
        known = True
        if text is not None and not is_unedited(root, lock, path):
            return _Edited(root, path, text, lock, lock.files[path].owners[0])
    if known:
        raise UsageError(f"{path} is as it was generated", "there is nothing to decide")
    raise UsageError(f"{path} is not a generated file", f"name one of the files in {LOCK}")


def _relative(workspace: Workspace, file: str) -> str:
    """The path of a file in the workspace, also when it is named in a work tree."""
    absolute = Path(os.path.abspath(file))  # noqa: PTH100 - a link is not followed
    for root in (*_work_trees(workspace), workspace.root):
        if absolute.is_relative_to(root):
            return absolute.relative_to(root).as_posix()
    raise UsageError(f"{file} is not in the workspace {workspace.root}", "name a generated file")


def _work_trees(workspace: Workspace) -> tuple[Path, ...]:
    """The workspaces inside the work trees of earlier runs."""
    repo = Repo.open(workspace.root)
    work = workspace.state / "work"
    if repo is None or not work.is_dir():
        return ()
    return tuple(sorted(p / repo.prefix for p in work.iterdir() if (p / repo.prefix).is_dir()))


def _model_of(workspace: Workspace, settings: Settings, spec_path: str, path: str) -> str:
    roots = roots_of(workspace, settings)
    loaded = load_resolved(workspace.root / spec_path, workspace, roots)
    step = next((s for s in make_plan(loaded.spec, loaded.digest).steps if s.path == path), None)
    if step is None or step.kind != "dbt_model":
        raise UsageError(
            f"{path} cannot become custom code: it is not the SQL of a model by itself",
            f"say it in {spec_path} instead, and: specmill restore {path}",
        )
    return step.subject


def _regenerated(workspace: Workspace, settings: Settings, spec_path: str, path: str) -> str | None:
    """What the spec gives today; ``None`` where it gives nothing."""
    roots = roots_of(workspace, settings)
    try:
        loaded = load_resolved(workspace.root / spec_path, workspace, roots)
        near = neighbours(
            loaded, spec_files(workspace), lambda f: load_resolved(f, workspace, roots)
        )
        others = {model.name: other.spec for other in near for model in other.spec.models}
        made = generate(make_plan(loaded.spec, loaded.digest), loaded.spec, others)
    except SpecmillError:
        return None
    return next((artifact.content for artifact in made if artifact.path == path), None)


def _allow_overwriting(workspace: Workspace, edited: _Edited) -> str:
    """Keeps the edited text among the bases: from there it can be had back, so a run may go on."""
    kept = Artifact(edited.path, edited.text.replace("\r\n", "\n"), "compiled", edited.pipeline)
    keep_bases(workspace.root, (kept,))
    return f"{STATE}/base/{kept.sha256}"
