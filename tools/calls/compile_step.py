"""Shows what the compiler makes of a step."""

from __future__ import annotations

from tools.calls._output import shaped
from tools.calls._specs import load, makers, planned
from tools.desk import Desk, ToolError, ToolResult
from tools.generate import base
from tools.spec.suggest import did_you_mean

EFFECT = "read"


def compile_step(desk: Desk, path: str, step: str) -> ToolResult:
    """Show the file that the compiler makes for a step of a plan; nothing is written.

    Of a step that is to be authored, it shows what the spec would give without the parts that need
    judgement: something to start from.

    Args:
        path: The spec file, relative to the work tree.
        step: The id of the step, as the plan tool shows it, such as model:dim_order.
    """
    loaded = load(desk, path)
    made, near = planned(desk, loaded)
    found = next((s for s in made.steps if step in (s.id, s.path)), None)
    if found is None:
        hint = did_you_mean(step, [s.id for s in made.steps])
        raise ToolError(f"the plan of {loaded.path} has no step {step} ({hint})")
    text = base.compile_step(found, made, loaded.spec, makers(near))
    return shaped(desk, "step", f"[{found.path}, {found.how}]\n{text}", limit=30_000)
