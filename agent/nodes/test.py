"""test: the tiers of the proof, on the files as they lie in the work tree.

Code that a model wrote is held against the spec by the oracle as well, whatever the level.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from agent.nodes.context import Context, Update
from agent.nodes.reading import spec_as_read, unapproved
from agent.nodes.rules import changes
from agent.nodes.tree import drifted, read_artifacts
from agent.state import RunState
from tools import layout
from tools.errors import InternalError
from tools.findings import Finding, Location, Report, Severity
from tools.plan import Plan
from tools.verify.outcome import Outcome
from tools.verify.runner import verify
from tools.verify.subject import Subject
from tools.workflow_model import WorkflowStep
from tools.workflow_steps import TestStep
from tools.workspace import Workspace


def test(state: RunState, step: WorkflowStep, context: Context) -> Update:
    """Runs the tiers of the level; a file that is not as it was written stops them before."""
    options = step.options
    if not isinstance(options, TestStep):
        raise InternalError(f"step {step.name} tests nothing")
    artifacts = read_artifacts(state, context)
    gone = drifted(state, artifacts)
    if gone:
        context.summarise(step.name, f"{len(gone)} files are not as they were written")
        return {"findings": Report.of(gone).to_json()}
    level = state["level"] or options.level
    pipeline = state["pipeline"]
    by_model = any(artifact.by for artifact in artifacts)
    subject = Subject(
        loaded=spec_as_read(state, context) if by_model else context.loaded,
        plan=Plan.from_json(state["plan"]),
        artifacts=artifacts,
        project=context.tree(state) / str(layout.DBT),
        database=database_of(context.workspace, pipeline),
        roots=context.roots,
        others={m.name: other for other in context.upstream for m in other.spec.models},
        changed=changes(state, context),
    )
    outcome = verify(
        subject,
        constitution=context.constitution,
        worker=context.worker,
        level="quick" if level == "quick" else "full",
        progress=lambda text: context.say(step.name, text),
        today=context.clock().date(),
        proof=True,
    )
    if by_model:
        outcome = replace(outcome, not_run=(*outcome.not_run, *unapproved(state)))
    report = outcome.report + Report.of(_missing(options, outcome, level, context))
    context.summarise(step.name, describe(outcome))
    return {"outcome": outcome.to_json(), "findings": report.to_json()}


def database_of(workspace: Workspace, pipeline: str) -> Path:
    """The DuckDB file that a pipeline is built in."""
    return workspace.state / "db" / f"{pipeline}.duckdb"


def describe(outcome: Outcome) -> str:
    """Such as ``static 0.1s, rules 0.2s, build 4.1s``, the first failing tier named as such."""
    failed = next((tier for tier in outcome.tiers if not tier.ok), None)
    if failed:
        return f"{failed.name}: {failed.summary}"
    return ", ".join(f"{tier.name} {tier.seconds:.1f}s" for tier in outcome.tiers)


def _missing(options: TestStep, outcome: Outcome, level: str, context: Context) -> list[Finding]:
    """Tiers that the workflow asks for and that did not run; a person may ask for less."""
    missing = options.missing(tuple(tier.name for tier in outcome.tiers if tier.ok))
    ran_badly = {tier.name for tier in outcome.tiers if not tier.ok}
    severity = Severity.NOTE if level == "quick" else Severity.ERROR
    if not outcome.report.ok:
        return []  # a tier does not begin when one before it failed: that is said already
    return [
        Finding(
            "RUN002",
            severity,
            f"the workflow {context.workflow.name} asks for the tier {tier}, which did not run",
            Location(context.workflow.path),
            hint="run it with --level full"
            if level == "quick"
            else "see what was not run, and why",
            subject=tier,
        )
        for tier in missing
        if tier not in ran_badly
    ]
