"""run: a program of the workflow, in the work tree; its exit code is the verdict."""

from __future__ import annotations

from agent.nodes.context import Context, Update
from agent.state import RunState
from tools.errors import InternalError
from tools.findings import Finding, Location, Severity
from tools.shell import Completed, run
from tools.workflow_model import Workflow, WorkflowStep
from tools.workflow_steps import RunStep

_LINES = 40


def run_program(state: RunState, step: WorkflowStep, context: Context) -> Update:
    """Runs the program; an exit code other than 0 is an error with the end of its output.

    Raises:
        ProgramMissing: there is no such program.
    """
    options = step.options
    if not isinstance(options, RunStep):
        raise InternalError(f"step {step.name} runs nothing")
    context.say(step.name, " ".join(options.argv))
    done = run(options.argv, cwd=context.tree(state), timeout=options.timeout)
    context.summarise(step.name, f"{options.argv[0]} exit {done.code}")
    failed = done.code != 0 or done.timed_out
    findings = [_finding(step, options, done, context.workflow)] if failed else []
    return {"findings": [finding.to_json() for finding in findings]}


def _finding(step: WorkflowStep, options: RunStep, done: Completed, workflow: Workflow) -> Finding:
    how = f"took more than {options.timeout:g} s" if done.timed_out else f"ended with {done.code}"
    output = f"{done.stdout}\n{done.stderr}".strip().splitlines()
    return Finding(
        "RUN001",
        Severity.ERROR,
        f"{' '.join(options.argv)} {how}",
        Location(workflow.path, step.line),
        hint="correct what it complains of, or the step",
        evidence="\n".join(output[-_LINES:]),
        subject=step.name,
    )
