"""specmill plan: what would be made, and why; writes nothing."""

from __future__ import annotations

from pathlib import Path

import click

from agent.commands.errors import Session
from agent.commands.options import SPEC, examples, json_option


@click.command(
    short_help="Show what would be made, and why.",
    epilog=examples("specmill plan specs/dim_order.yaml", "specmill plan SPEC --as table"),
)
@click.argument("spec", type=SPEC)
@click.option(
    "--as",
    "form",
    type=click.Choice(["tree", "table", "json"]),
    default="tree",
    show_default=True,
    help="How it is shown.",
)
@json_option
@click.pass_obj
def plan(session: Session, spec: Path, form: str, as_json: bool) -> int:
    """Shows what would be made, compiled or authored, and why; writes nothing."""
    from agent.checking import plan_spec
    from agent.terminal.findings import print_findings
    from agent.terminal.plan import print_plan

    workspace = session.workspace()
    planned = plan_spec(workspace, session.settings(workspace), spec)
    if as_json or form == "json":
        session.emit(planned.to_json())
        return 0 if planned.plan else 1
    if planned.plan is None:
        print_findings(session.terminal.err, planned.report)
        return 1
    print_plan(session.terminal.out, planned.plan, planned.questions, form=form)
    return 0
