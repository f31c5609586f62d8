"""approve: a person agrees to the spec, or to the code, before the run goes on."""

from __future__ import annotations

import hashlib

from agent.approvals import find_approval, read_approvals
from agent.nodes.context import Context, Update, Waits
from agent.state import RunState
from tools.errors import InternalError
from tools.workflow_model import WorkflowStep
from tools.workflow_steps import GateStep


def approve(state: RunState, step: WorkflowStep, context: Context) -> Update:
    """Goes on if exactly this content was approved.

    Raises:
        Waits: it was not; the approval of another content does not count.
    """
    options = step.options
    if not isinstance(options, GateStep):
        raise InternalError(f"step {step.name} is not a gate")
    gate = _gate(state, options)
    file = context.workspace.root / context.settings.approvals
    records = read_approvals(file)
    found = find_approval(records, gate["what"], gate["subject"], gate["sha256"])
    if found is None:
        raise Waits(*_question(state, options, context, gate, records), gate=gate)
    context.summarise(step.name, f"{options.of} approved by {found.who}")
    return {"approvals": [*state.get("approvals", []), found.to_json()]}


def _gate(state: RunState, options: GateStep) -> dict[str, str]:
    sha256 = state["digest"] if options.of == "spec" else code_digest(state)
    return {"what": options.of, "subject": state["pipeline"], "sha256": sha256}


def code_digest(state: RunState) -> str:
    """The sha256 of what the run made: every path with the sha256 of its file."""
    files = sorted((file["path"], file["sha256"]) for file in state.get("files", []))
    return hashlib.sha256("\n".join(f"{p} {s}" for p, s in files).encode()).hexdigest()


def _question(
    state: RunState,
    options: GateStep,
    context: Context,
    gate: dict[str, str],
    records: tuple[object, ...],
) -> tuple[str, str]:
    owner = context.loaded.spec.owner or "its owner"
    who = owner if options.who == "owner" else options.who
    void = any(
        (getattr(r, "what", ""), getattr(r, "subject", "")) == (gate["what"], gate["subject"])
        for r in records
    )
    again = "; it changed since it was approved" if void else ""
    what = "spec" if options.of == "spec" else "generated code"
    message = f"the {what} of {state['pipeline']} waits for the approval of {who}{again}"
    look = (
        f"read {state['spec']}"
        if options.of == "spec"
        else f"read {state.get('tree', '.')}/generated"
    )
    return (
        message,
        f"{look}, then: specmill approve {state['run']} && specmill run --resume {state['run']}",
    )
