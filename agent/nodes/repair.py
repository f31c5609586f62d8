"""repair: findings that carry a fix are fixed; the others go to a model, with their evidence.

What a repair may not touch, it does not: the fixes are held against the same list as the tools of
the model. What becomes of a repair is what the next run of the tests says.
"""

from __future__ import annotations

from collections.abc import Sequence

from agent.nodes.context import Context, Update, stopped
from agent.nodes.mending import mend
from agent.nodes.standing import standing
from agent.state import RunState
from tools.artifact import Artifact
from tools.errors import InternalError
from tools.findings import Finding, Fix, Report
from tools.repair import FIXERS, refused
from tools.workflow_model import WorkflowStep
from tools.workflow_steps import RepairStep


def repair(state: RunState, step: WorkflowStep, context: Context) -> Update:
    """Repairs what the newest check found, or says why not; then the tests run again.

    The run ends with 1 when nothing can be fixed, and with 5 when the rounds are spent.

    Raises:
        BudgetSpent: the model used up turns, money or seconds.
        SpecmillError: the model cannot be reached, or wants another key.
    """
    options = step.options
    if not isinstance(options, RepairStep):
        raise InternalError(f"step {step.name} repairs nothing")
    errors = Report.from_json(state.get("findings", [])).errors
    rounds, limit = state.get("rounds", 0), min(options.rounds, context.workflow.budget.repairs)
    old = [Fix(**fix) for fix in state.get("patches", [])]
    new = _new_fixes(errors, old)
    has_model = not new and context.author is not None
    if not new and not has_model:
        return stopped(1, *_not_fixable(errors, tried=bool(old)))
    if rounds >= limit:
        reason = f"{limit} round{'' if limit == 1 else 's'} of repair did not mend it"
        return stopped(5, reason, f"see the findings; raise rounds in {context.workflow.path}")
    update: Update = {"rounds": rounds + 1}
    if has_model:
        return update | mend(state, step, options, context, errors)
    update |= {"patches": [fix.__dict__ for fix in (*old, *new)]}
    touched = _touched(state, update, options, context, new)
    if touched:
        reason = f"a repair would have changed {touched[0]}, which no repair may touch"
        return stopped(1, reason, "correct the code, or change that file yourself")
    context.summarise(step.name, "; ".join(f"{fix.kind} {fix.path}" for fix in new))
    return update


def _touched(
    state: RunState, update: Update, options: RepairStep, context: Context, new: Sequence[Fix]
) -> list[str]:
    """The protected files that the new fixes would change."""
    before = _made(state, context)
    after = _made({**state, **update}, context)  # type: ignore[typeddict-item]
    touched = [fix.path for fix in new if options.refuses(fix.path)]
    return touched + [p for p in refused(before, after, options.refuses) if p not in touched]


def _made(state: RunState, context: Context) -> tuple[Artifact, ...]:
    return standing(state, context, context.tree(state), whole=True).artifacts


def _new_fixes(errors: Sequence[Finding], old: Sequence[Fix]) -> list[Fix]:
    new: list[Fix] = []
    for finding in errors:
        fix = finding.fix
        if fix is not None and fix.kind in FIXERS and fix not in old and fix not in new:
            new.append(fix)
    return new


def _not_fixable(errors: Sequence[Finding], *, tried: bool) -> tuple[str, str]:
    number = len(errors)
    what = "1 error" if number == 1 else f"{number} errors"
    if tried:
        return f"{what} left after a repair", "see the findings"
    remedy = "see the findings; correct the spec, its data or the custom code, and run it again"
    return f"{what}, without a fix that follows from the spec", remedy
