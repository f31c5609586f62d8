"""agent: a step that a model does; without one it is kept for later and said at the end.

What it writes belongs to the run as what is generated does. It stays, and the step is not done
again, for as long as the spec and what the workflow says about the step stay the same.
"""

from __future__ import annotations

from agent.nodes.authoring import drafts_of, forget_drafts, keep_drafts, unwritten
from agent.nodes.context import Context, Update
from agent.nodes.generate import generator
from agent.nodes.working import Task, work
from agent.state import FileState, RunState
from tools import layout
from tools.artifact import Artifact, Authorship, sha256_text
from tools.lock import LOCK, LockFile, keep_bases, on_disk
from tools.spec.part import digest
from tools.workflow_model import WorkflowStep
from tools.workflow_steps import matches_any
from tools.workspace_write import write_atomic

_FOLDER = f"{layout.DBT}/**"


def author(state: RunState, step: WorkflowStep, context: Context) -> Update:
    """Has the step done, or notes that it is still to be done; the compiled steps go on.

    Raises:
        BudgetSpent: turns, money or seconds are used up.
        SpecmillError: the model cannot be reached, or wants another key.
    """
    part = digest([state["digest"], step.instructions, context.workflow.tools_of(step)])
    if _is_done(state, context, step.name, part):
        context.summarise(step.name, "done before, for the same spec")
        return {}
    if context.author is None:
        context.summarise(step.name, "needs a model: left for later")
        remedy = str(context.lacking.remedy) if context.lacking else ""
        return {"undone": [*state.get("undone", []), step.name], "lacking": remedy}
    made = {file["path"]: file for file in state.get("files", []) if file["change"] != "removed"}
    worked = work(state, step.name, context, _task(state, step, context, made))
    update: Update = {"refusals": [*state.get("refusals", []), *worked.refusals]}
    if worked.ended.reason != "done":
        return update | unwritten(f"the step {step.name}", worked)
    by = Authorship(step.name, part, context.author.name, state["run"])
    written = _written(state, context, by)
    _lock(state, context, written)
    context.summarise(step.name, f"{len(written)} files written" if written else "no file written")
    kept = [file for path, file in made.items() if path not in {a.path for a in written}]
    return update | {"files": [*kept, *(_file(a) for a in written)]}


def _is_done(state: RunState, context: Context, step: str, part: str) -> bool:
    authors = (file.author for file in LockFile.load(context.tree(state)).files.values())
    return any(author and (author.step, author.part) == (step, part) for author in authors)


def _task(
    state: RunState, step: WorkflowStep, context: Context, made: dict[str, FileState]
) -> Task:
    def refuses(path: str) -> str:
        file = made.get(path)
        if file is not None and file.get("by", {}).get("step") != step.name:
            return "an earlier step of this run made it"
        if not matches_any(path, (_FOLDER,)):
            return f"this step writes below {layout.DBT}"
        mine = file is not None or path in drafts_of(context, state["pipeline"])
        if not mine and on_disk(context.tree(state), path) is not None:
            return "it was there before, and is not this step's"
        return ""

    return Task(
        key=f"step-{step.name}",
        role="agent",
        text=f"Do the step `{step.name}` of the workflow {context.workflow.name}.",
        section=step.instructions,
        tools=context.workflow.tools_of(step),
        refuses=refuses,
        before_write=lambda paths: keep_drafts(context, state["pipeline"], paths),
    )


def _written(state: RunState, context: Context, by: Authorship) -> list[Artifact]:
    """What the step wrote and left there."""
    tree, pipeline = context.tree(state), state["pipeline"]
    texts = {path: on_disk(tree, path) for path in drafts_of(context, pipeline)}
    return [
        Artifact(path, text, "authored", pipeline, by)
        for path, text in sorted(texts.items())
        if text is not None
    ]


def _lock(state: RunState, context: Context, written: list[Artifact]) -> None:
    root, pipeline = context.tree(state), state["pipeline"]
    keep_bases(context.workspace.root, written)
    lock = LockFile.load(root).with_files(pipeline, written, generator())
    write_atomic(root, LOCK, lock.dumps())
    forget_drafts(context, pipeline)


def _file(artifact: Artifact) -> FileState:
    return {
        "path": artifact.path,
        "sha256": sha256_text(artifact.content),
        "owner": artifact.owner,
        "change": "new",
        "by": vars(artifact.by) if artifact.by else {},
    }
