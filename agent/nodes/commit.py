"""commit: the files of the run, on the branch of the pipeline, and nothing else."""

from __future__ import annotations

from agent.nodes.context import Context, Update
from agent.nodes.generate import inputs
from agent.state import RunState
from tools.lock import LOCK
from tools.plan import Plan
from tools.review.message import commit_message
from tools.workflow_model import WorkflowStep


def commit(state: RunState, step: WorkflowStep, context: Context) -> Update:
    """Commits; a branch that holds all of it already is left alone."""
    branch, repo = state.get("branch", ""), context.repo
    if not branch or repo is None:
        context.summarise(step.name, "not committed: --no-commit")
        return {"commit_id": ""}
    paths = [file["path"] for file in state.get("files", [])]
    paths += [path for path in (*inputs(context), LOCK, state.get("review", "")) if path]
    message = commit_message(
        context.loaded, state.get("outcome", {}), Plan.from_json(state["plan"])
    )
    made = repo.commit(context.workspace.state / "work" / state["pipeline"], paths, message)
    tip = made or repo.branch_tip(branch) or ""
    said = f"{tip[:7]} on {branch}" if made else f"nothing to commit: {branch} holds this already"
    context.summarise(step.name, said)
    return {"commit_id": tip, "committed": made is not None}
