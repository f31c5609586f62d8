"""rules: the constitution on what there is at this point, the diff included."""

from __future__ import annotations

from agent.nodes.context import Context, Update
from agent.nodes.generate import inputs
from agent.nodes.tree import read_artifacts
from agent.state import RunState
from tools.errors import InternalError
from tools.lock import on_disk
from tools.plan import Plan
from tools.rules.engine import Change, Subject, evaluate
from tools.workflow_model import WorkflowStep
from tools.workflow_steps import RulesStep


def rules(state: RunState, step: WorkflowStep, context: Context) -> Update:
    """Evaluates the articles that the step selects."""
    options = step.options
    if not isinstance(options, RulesStep):
        raise InternalError(f"step {step.name} evaluates no rules")
    subject = Subject(
        loaded=context.loaded,
        plan=Plan.from_json(state["plan"]) if "plan" in state else None,
        artifacts=read_artifacts(state, context),
        changed=changes(state, context),
        today=context.clock().date(),
    )
    report = evaluate(context.constitution, subject)
    counted = [f for f in report if options.selects(f.code)]
    warnings = sum(f.severity == "warning" for f in counted)
    errors = sum(f.severity == "error" for f in counted)
    context.summarise(
        step.name, f"{len(context.constitution.rules)} rules, {errors} broken, {warnings} warnings"
    )
    return {"findings": [finding.to_json() for finding in counted]}


def changes(state: RunState, context: Context) -> tuple[Change, ...]:
    """What the run changes against the branch it will be committed to, the spec included."""
    branch, repo = state.get("branch"), context.repo
    if not branch or repo is None:
        return ()
    root = context.tree(state)
    paths = [f["path"] for f in state.get("files", []) if f["change"] != "same"]
    found = []
    for path in [*inputs(context), *paths]:
        before, after = repo.show(branch, path), on_disk(root, path)
        if before == after:
            continue
        if before is None:
            found.append(Change(path, "added", before, after))
        elif after is None:
            found.append(Change(path, "deleted", before, after))
        else:
            found.append(Change(path, "modified", before, after))
    return tuple(found)
