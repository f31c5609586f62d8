"""Shows what a spec would be made into."""

from __future__ import annotations

from tools.calls._output import shaped
from tools.calls._specs import load, planned
from tools.desk import Desk, ToolResult

EFFECT = "read"


def plan(desk: Desk, path: str) -> ToolResult:
    """Show the plan of a spec: which files are made, which are compiled, which are written by you.

    Args:
        path: The spec file, relative to the work tree.
    """
    loaded = load(desk, path)
    made, _ = planned(desk, loaded)
    waiting = made.waiting()
    lines = [
        f"{made.pipeline} {made.version}: {len(made.steps)} files, {len(made.authored)} authored"
    ]
    for step in made.steps:
        held = f"; waits for {waiting[step.id]}" if step.id in waiting else ""
        lines.append(f"{step.id}  {step.how}  {step.path}  ({step.reason}{held})")
    return shaped(desk, "plan", "\n".join(lines))
