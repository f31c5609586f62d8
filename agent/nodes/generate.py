"""generate: the files of the plan, compiled and authored, once nothing is in the way of them.

Whatever is compiled is written before a model is asked for the rest, so that it has the project
around it: sources, contracts, tests. The lock comes last.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from agent.nodes.authoring import author_steps, drafts_of, forget_drafts
from agent.nodes.context import Context, Update, Waits
from agent.nodes.standing import Standing, standing
from agent.state import FileState, RunState
from tools.artifact import Artifact, sha256_text
from tools.findings import Finding, Location, Severity
from tools.generate.base import generate as compile_plan
from tools.lock import (
    LOCK,
    Drift,
    LockedSpec,
    LockFile,
    bases,
    drift,
    is_unedited,
    keep_bases,
    on_disk,
)
from tools.plan import make_plan
from tools.spec.load import LoadedSpec
from tools.spec.transform import Model
from tools.workflow_model import WorkflowStep
from tools.workspace import read_text
from tools.workspace_write import delete_atomic, write_atomic


def generate(state: RunState, step: WorkflowStep, context: Context) -> Update:
    """Compiles, compares with what is there, has the rest authored, writes.

    Raises:
        Waits: a person edited a file that would be overwritten.
        ProgramMissing: it cannot be written.
        BudgetSpent: the model used up what the workflow gives it.
        NeedsModel: the service wants another key.
    """
    place = _tree(state, step.name, context)
    root = context.workspace.root / place["tree"]
    now: RunState = {**state, **place}  # type: ignore[typeddict-item]
    locked = LockFile.load(root)
    own = _standing(now, context, root)
    made = [Pipeline(context.loaded, own.artifacts), *_upstream(context, locked)]
    artifacts = tuple({a.path: a for one in reversed(made) for a in one.artifacts}.values())
    _refuse_drift(state, context, root, locked, [*artifacts, *_to_come(own, state["pipeline"])])
    update: Update = {"findings": [], **place}
    if own.open and context.author is not None:
        _write_texts(context, root, artifacts)
        written = author_steps(now, step, context, own)
        update |= {"refusals": [*state.get("refusals", []), *written.refusals]}
        if written.stop:
            return update | written.stop
        made[0] = Pipeline(context.loaded, (*own.artifacts, *written.artifacts))
    files = [_since_start(state, file) for file in _write(context, root, locked, made)]
    forget_drafts(context, state["pipeline"])
    context.summarise(step.name, _describe(files, [one.loaded.spec.pipeline for one in made[1:]]))
    lacking = str(context.lacking.remedy) if own.open and context.lacking else ""
    return update | {"files": files, "lacking": lacking}


def _since_start(state: RunState, file: FileState) -> FileState:
    """The file with what became of it since the run began, not since it was last generated."""
    before = next((f for f in state.get("files", []) if f["path"] == file["path"]), None)
    if before is None or file["change"] != "same" or before["change"] == "removed":
        return file
    return {**file, "change": before["change"]}


def _standing(state: RunState, context: Context, root: Path) -> Standing:
    """What stands; what waits for a model is compiled too where there is one."""
    found = standing(state, context, root, whole=False)
    if found.open and context.author is not None:
        return standing(state, context, root, whole=True)
    return found


def _upstream(context: Context, locked: LockFile) -> list[Pipeline]:
    """The pipelines that this one reads and that nobody has generated yet."""
    found = []
    for other in context.upstream:
        if other.spec.pipeline not in locked.specs:
            plan = make_plan(other.spec, other.digest)
            found.append(Pipeline(other, compile_plan(plan, other.spec, context.others)))
    return found


def _to_come(own: Standing, pipeline: str) -> list[Artifact]:
    """Stand-ins of files that are yet to be written, so that nobody's edit is in their way."""
    return [Artifact(step.path, "", "authored", pipeline) for step in own.open]


@dataclass(frozen=True)
class Pipeline:
    """A spec and the files that are made of it."""

    loaded: LoadedSpec
    artifacts: tuple[Artifact, ...]


def _describe(files: Sequence[FileState], also: Sequence[str]) -> str:
    counts: Counter[str] = Counter(file["change"] for file in files)
    parts = [f"{len(files)} files", *(f"{counts[c]} {c}" for c in ("new", "changed", "removed"))]
    parts += ["unchanged"] if counts["same"] == len(files) else []
    parts += [f"{', '.join(also)} too, which it reads"] if also else []
    return ", ".join(part for part in parts if not part.startswith("0 "))


def _tree(state: RunState, node: str, context: Context) -> Update:
    """Where to write, relative to the workspace, and the branch that it is committed to.

    ``base`` is the person's HEAD, ``related`` whether the branch grew from it.
    """
    if not state["commit"] or context.repo is None:
        return {"tree": ".", "branch": "", "base": "", "related": True}
    pipeline = state["pipeline"]
    branch = f"{context.settings.branch_prefix}{pipeline}"
    made = context.repo.worktree(branch, context.workspace.state / "work" / pipeline)
    if made.behind:
        context.say(node, f"{branch} is {made.behind} commits behind HEAD")
    tree = made.root.relative_to(context.workspace.root.resolve()).as_posix()
    related = made.related and bool(made.base_commit)
    return {"tree": tree, "branch": branch, "base": made.base_commit, "related": related}


def _refuse_drift(
    state: RunState, context: Context, root: Path, locked: LockFile, artifacts: Sequence[Artifact]
) -> None:
    """Stops on hand-edited files, in the work tree and in the person's own."""
    own, pipeline = context.workspace.root, state["pipeline"]
    history = context.repo.find_by_sha256 if context.repo else None
    base_of = bases(own, history)
    drafts = drafts_of(context, pipeline)
    found = [d for d in drift(root, locked, artifacts, base_of, pipeline) if d.path not in drafts]
    edits = _edits(own, root, found)
    if root != own:
        theirs = LockFile.load(own)
        known = [a for a in artifacts if a.path in theirs.files]
        paths = {d.path for d in edits}
        mine = _edits(own, own, drift(own, theirs, known, base_of, pipeline))
        edits += [d for d in mine if d.path not in paths]
    if edits:
        raise _stopped_by(edits)


def _edits(own: Path, tree: Path, found: Sequence[Drift]) -> list[Drift]:
    """Drift that is a person's doing: not a deletion, which a run makes good, nor our text.

    A killed run may have written files and not the lock: what it wrote is among the bases, as is
    what a person gave up with ``restore``.
    """
    return [one for one in found if _edited(own, tree, one.path)]


def _edited(own: Path, tree: Path, path: str) -> bool:
    text = on_disk(tree, path)
    return text is not None and bases(own)(path, sha256_text(text)) is None


def _stopped_by(found: Sequence[Drift]) -> Waits:
    findings = [_drifted(d) for d in found]
    stray = next((d for d in found if d.kind == "untracked"), None)
    if stray:
        return Waits(
            f"{stray.path} is in the way: specmill did not make it, and would write it",
            "move it away (a model of your own goes to custom/), then run again",
            findings,
        )
    number = len(found)
    names = "a generated file was" if number == 1 else f"{number} generated files were"
    return Waits(
        f"{names} edited by hand: {', '.join(d.path for d in found[:3])}",
        f"keep the edit with `specmill adopt {found[0].path}`, "
        f"or drop it with `specmill restore {found[0].path}`; then run again",
        findings,
    )


def _drifted(one: Drift) -> Finding:
    stray = one.kind == "untracked"
    what = "specmill did not make this file" if stray else "this generated file was edited by hand"
    both = (
        "; your edit and the new text change the same lines" if one.conflict and not stray else ""
    )
    return Finding(
        "LOCK001",
        Severity.ERROR,
        what + both,
        Location(one.path, 1),
        hint="move it away"
        if stray
        else f"specmill adopt {one.path}, or specmill restore {one.path}",
        evidence=one.diff,
        subject=one.path,
    )


def _write(
    context: Context, root: Path, locked: LockFile, made: Sequence[Pipeline]
) -> list[FileState]:
    """Writes what changed, the lock last; returns what became of each file."""
    own, lock = context.workspace.root, locked
    files: dict[str, FileState] = {}
    for one in made:
        spec = one.loaded.spec
        keep_bases(own, one.artifacts)
        for artifact in one.artifacts:
            if artifact.path not in files:
                files[artifact.path] = _write_file(root, artifact, locked)
        entry = LockedSpec(digest=one.loaded.digest, version=spec.version, path=one.loaded.path)
        lock, dropped = lock.update(spec.pipeline, entry, one.artifacts, generator())
        for path in dropped:
            ours = is_unedited(root, locked, path) or not _edited(own, root, path)
            if ours and delete_atomic(root, path):
                owner = spec.pipeline
                files[path] = {"path": path, "sha256": "", "owner": owner, "change": "removed"}
    _write_inputs(context, root)
    write_atomic(root, LOCK, lock.dumps())
    return list(files.values())


def _write_texts(context: Context, root: Path, artifacts: Sequence[Artifact]) -> None:
    """Writes files before the lock knows them; a run that is killed now finds them its own."""
    keep_bases(context.workspace.root, artifacts)
    for artifact in artifacts:
        write_atomic(root, artifact.path, artifact.content)
    _write_inputs(context, root)


def _write_inputs(context: Context, root: Path) -> None:
    own = context.workspace.root
    for path in inputs(context) if root != own else ():
        write_atomic(root, path, read_text(own / path))


def _write_file(root: Path, artifact: Artifact, locked: LockFile) -> FileState:
    """Writes a file; what became of it is told by the lock, since a killed run may have written."""
    before, known = on_disk(root, artifact.path), locked.files.get(artifact.path)
    there = before is not None and sha256_text(before) == artifact.sha256
    if not there:
        write_atomic(root, artifact.path, artifact.content)
    change: Literal["new", "changed", "same"] = "changed"
    if known is None or before is None:
        change = "new"
    elif there and known.sha256 == artifact.sha256:
        change = "same"
    file: FileState = {
        "path": artifact.path,
        "sha256": artifact.sha256,
        "owner": artifact.owner,
        "change": change,
    }
    return {**file, "by": vars(artifact.by)} if artifact.by else file


def inputs(context: Context) -> tuple[str, ...]:
    """What people wrote and the code is made of: it goes where the code goes.

    So the branch can be judged, and built, by itself: the spec, its custom SQL, custom macros.
    """
    root = context.workspace.root
    files = [root / m.custom.sql_file for m in _custom(context) if m.custom and m.custom.sql_file]
    if any(m.custom and m.custom.macro for m in _custom(context)) or files:
        files += sorted((root / "custom" / "macros").glob("**/*.sql"))
    files = [context.loaded.file, *files]
    inside = [file for file in files if file.is_relative_to(root) and file.is_file()]
    return tuple(dict.fromkeys(file.relative_to(root).as_posix() for file in inside))


def _custom(context: Context) -> list[Model]:
    return [model for model in context.loaded.spec.models if model.custom]


def generator() -> str:
    """Who generates, as the lock says it."""
    try:
        return f"specmill {version('specmill')}"
    except PackageNotFoundError:
        return "specmill"
