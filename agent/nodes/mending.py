"""A repair that needs thought: findings with evidence go to the model, edits of models come out."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from agent.model.base import Json
from agent.nodes.context import Context, Update, stopped
from agent.nodes.standing import REPAIR, standing
from agent.nodes.working import Task, work
from agent.prompting import findings_text
from agent.state import FileState, RunState
from tools.artifact import Artifact, Authorship, sha256_text
from tools.findings import Finding
from tools.lock import keep_bases, on_disk
from tools.spec.part import digest
from tools.workflow_model import WorkflowStep
from tools.workflow_steps import RepairStep

SAME = 2
"""How often the same findings may come back after a repair before that is the end of it."""


def mend(
    state: RunState,
    step: WorkflowStep,
    options: RepairStep,
    context: Context,
    errors: Sequence[Finding],
) -> Update:
    """One round: the model looks, edits, ends; what it edited stands from now on.

    Raises:
        BudgetSpent: turns, money or seconds are used up.
        SpecmillError: the model cannot be reached, or wants another key.
    """
    met, now = state.get("met", []), _digest_of(errors)
    if met.count(now) >= SAME:
        reason = f"the same findings came back {_times(SAME)} after a repair"
        return stopped(1, reason, "what is missing is knowledge: see the findings and the evidence")
    task = Task(
        key=f"repair-{state.get('rounds', 0) + 1}",
        role="repair",
        text=_brief(state, errors, again=now in met),
        section=step.instructions,
        tools=context.workflow.tools_of(step),
        refuses=_refuses(state, options),
    )
    worked = work(state, step.name, context, task)
    rewrites = _rewrites(state, context)
    update: Update = {
        "met": [*met, now],
        "rewrites": {**state.get("rewrites", {}), **rewrites},
        "refusals": [*state.get("refusals", []), *worked.refusals],
    }
    if not rewrites:
        said = " ".join(worked.ended.text.split())[:300]
        why = f"the model changed nothing{_because(worked.refusals)}"
        return update | stopped(1, why, f"it said: {said}" if said else "see the findings")
    context.summarise(step.name, f"the model changed {', '.join(sorted(rewrites))}")
    return update


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def _because(refusals: Sequence[Json]) -> str:
    return f"; it was refused: {refusals[0]['what']}" if refusals else ""


def _digest_of(errors: Sequence[Finding]) -> str:
    """What the findings are, whatever rows and figures they show this time."""
    texts = {f"{f.code} {f.subject} {re.sub('[0-9]+', '#', f.message)}" for f in errors}
    return digest(sorted(texts))


def _brief(state: RunState, errors: Sequence[Finding], *, again: bool) -> str:
    files = [file["path"] for file in state.get("files", []) if _may_change(file)]
    parts = [
        f"{len(errors)} error{'s' if len(errors) > 1 else ''} of the newest checks:",
        findings_text(errors),
        "You may change these files: " + ", ".join(f"`{path}`" for path in sorted(files)) + ".",
    ]
    if again:
        parts.append("The same findings were there before your last change: look elsewhere.")
    return "\n\n".join(parts)


def _may_change(file: FileState) -> bool:
    """Models only: properties hold the tests, and a test of its own is one."""
    path = file["path"]
    return path.endswith(".sql") and "/models/" in path and file["change"] != "removed"


def _refuses(state: RunState, options: RepairStep) -> Callable[[str], str]:
    allowed = {file["path"] for file in state.get("files", []) if _may_change(file)}

    def refuses(path: str) -> str:
        if options.refuses(path):
            return "no repair may touch it: it says what is right"
        if path not in allowed:
            return "a repair changes models of this pipeline only; properties hold its tests"
        return ""

    return refuses


def _rewrites(state: RunState, context: Context) -> dict[str, Json]:
    """The files that are not as the run wrote them, with who wrote them now."""
    tree, author = context.tree(state), context.author
    plain: RunState = {**state, "rewrites": {}, "patches": []}
    compiled = {a.path: a.sha256 for a in standing(plain, context, tree, whole=True).artifacts}
    found: dict[str, Json] = {}
    written = []
    for file in state.get("files", []):
        text = on_disk(tree, file["path"])
        if not _may_change(file) or text is None or sha256_text(text) == file["sha256"]:
            continue
        before, name = file.get("by"), author.name if author else ""
        part = before["part"] if before else compiled[file["path"]]
        by = Authorship(before["step"] if before else REPAIR, part, name, state["run"])
        artifact = Artifact(file["path"], text, "authored", state["pipeline"], by)
        found[file["path"]] = {"sha256": artifact.sha256, "by": vars(by)}
        written.append(artifact)
    keep_bases(context.workspace.root, written)
    return found
