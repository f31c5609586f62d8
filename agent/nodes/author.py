"""agent: a step that a model does; without one it is kept for later and said at the end."""

from __future__ import annotations

from agent.nodes.context import Context, Update
from agent.state import RunState
from tools.workflow_model import WorkflowStep


def author(state: RunState, step: WorkflowStep, context: Context) -> Update:
    """Notes that the step is still to be done; the compiled steps go on."""
    context.summarise(step.name, "needs a model: left for later")
    return {"undone": [*state.get("undone", []), step.name]}
