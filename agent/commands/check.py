"""specmill check: specs, constitution, workflows."""

from __future__ import annotations

from pathlib import Path

import click

from agent.commands.errors import Session
from agent.commands.options import SPEC, examples, json_option


@click.command(
    short_help="Check specs, constitution, workflows.",
    epilog=examples("specmill check", "specmill check specs/dim_order.yaml --json"),
)
@click.argument("specs", type=SPEC, nargs=-1, metavar="[SPEC...]")
@json_option
@click.pass_obj
def check(session: Session, specs: tuple[Path, ...], as_json: bool) -> int:
    """Checks specs, constitution and workflows; says file, line and column.

    Without SPEC, everything in the workspace is checked.
    """
    from agent.checking import check_specs, check_workspace
    from agent.terminal.lists import print_checked

    workspace = session.workspace()
    settings = session.settings(workspace)
    if specs:
        checked = check_specs(workspace, settings, specs)
    else:
        checked = check_workspace(workspace, settings)
    if as_json:
        session.emit(checked.to_json())
    else:
        print_checked(session.terminal.out, checked.report, checked.counts)
    return 0 if checked.report.ok else 1
