"""review: the page that a person reads before merging."""

from __future__ import annotations

import re
from typing import Any

from agent.nodes.context import Context, Update
from agent.nodes.reading import questions_of
from agent.nodes.tree import read_artifacts
from agent.state import RunState
from tools import layout
from tools.findings import Report, Severity
from tools.lock import on_disk
from tools.plan import Plan
from tools.review.markdown import render_review
from tools.rules.article import Constitution
from tools.workflow_model import WorkflowStep
from tools.workspace_write import write_atomic

_PASSING = re.compile(r"\b(under|over) \d+ (s|min|h)\b")
"""What differs from run to run though nothing has changed: durations."""


def review(state: RunState, step: WorkflowStep, context: Context) -> Update:
    """Writes the page into the work tree; the same results give the same page."""
    root, path = context.tree(state), layout.review_file(state["pipeline"])
    before = on_disk(root, path) or ""
    text = render_review(
        loaded=context.loaded,
        plan=Plan.from_json(state["plan"]),
        artifacts=read_artifacts(state, context),
        outcome=_outcome(state, context),
        constitution_notes=constitution_notes(context.constitution, state),
        others=context.others,
        previous=before,
    )
    # A slower machine is no news: the page changes with what it says otherwise.
    if _PASSING.sub("", text) != _PASSING.sub("", before):
        write_atomic(root, path, text)
    context.summarise(step.name, path)
    return {"review": path}


def _outcome(state: RunState, context: Context) -> dict[str, Any]:
    """The outcome with the questions that only the spec's lint, or who read its prose, knows."""
    outcome = dict(state.get("outcome", {}))
    asked = [f for f in state.get("lint", []) if f["severity"] == Severity.QUESTION.value]
    asked += [f.to_json() for f, _ in questions_of(state.get("reading", {}), context)]
    outcome["report"] = Report.from_json([*outcome.get("report", []), *asked]).to_json()
    return outcome


def constitution_notes(constitution: Constitution, state: RunState) -> dict[str, list[str]]:
    """What was checked, what was waived, what nobody checked."""
    found = state.get("outcome", {}).get("report", [])
    return {
        "checked": [
            f"{article.id} {article.title}: {', '.join(rule.id for rule in article.rules)}"
            for article in constitution.articles
            if article.machine_checked
        ],
        "waived": [
            f"{f['code']} {f['message']}"
            for f in found
            if f["severity"] == Severity.NOTE.value and constitution.rule(f["code"])
        ],
        "not_checked": [
            f"{article.id} {article.title}"
            for article in constitution.articles
            if not article.machine_checked
        ],
    }
