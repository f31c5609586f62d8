"""Holds the code of a pipeline against its spec."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from tools import layout
from tools.calls._cage import note
from tools.calls._dbt import stopped_with, worker
from tools.calls._output import listed, shaped
from tools.calls._specs import artifacts, load, planned, roots
from tools.desk import Desk, ToolError, ToolResult
from tools.rules.load import load_constitution
from tools.verify.outcome import Outcome
from tools.workspace import Workspace

EFFECT = "run"


def verify(desk: Desk, path: str, level: Literal["quick", "full"] = "quick") -> ToolResult:
    """Check a pipeline's code tier by tier: static, rules, build, oracle, properties, mutants.

    Findings come first, with file, line and evidence. What it says is what counts, not what the
    code looks like.

    Args:
        path: The spec file, relative to the work tree.
        level: quick for the answer in seconds; full plants faults too, and takes longer.
    """
    from tools.verify import runner  # noqa: PLC0415  half of what the whole catalog would cost
    from tools.verify.subject import Subject  # noqa: PLC0415  likewise

    loaded = load(desk, path)
    plan, near = planned(desk, loaded)
    files = artifacts(desk.root, plan)
    if not files:
        raise ToolError(f"there is no code of {plan.pipeline} here; a run makes it.")
    warm = worker(desk)
    subject = Subject(
        loaded=loaded,
        plan=plan,
        artifacts=files,
        project=desk.root / str(layout.DBT),
        database=desk.workspace.state / "db" / f"{plan.pipeline}.duckdb",
        roots=roots(desk, path),
        others={model.name: other for other in near for model in other.spec.models},
    )
    with stopped_with(desk, warm):
        outcome = runner.verify(
            subject,
            constitution=load_constitution(Workspace(desk.root).constitution),
            worker=warm,
            level=level,
            progress=lambda _: None,
            today=datetime.now(UTC).date(),
            proof=True,
        )
    text = "\n".join(part for part in (listed(outcome.report), _tiers(outcome), note()) if part)
    return shaped(desk, "verify", text, tail=0.3, error=not outcome.report.ok)


def _tiers(outcome: Outcome) -> str:
    lines = [
        f"{tier.name}: {'ok' if tier.ok else 'FAILED'}, {tier.summary} ({tier.seconds:.1f} s)"
        for tier in outcome.tiers
    ]
    return "\n".join([*lines, *(f"not run: {text}" for text in outcome.not_run)])
