"""specmill verify: the checks of a run on what lies in the workspace now."""

from __future__ import annotations

from pathlib import Path

import click

from agent.commands.errors import Session
from agent.commands.options import SPEC, events_option, examples, level_option


@click.command(
    short_help="Check the generated code as it lies here.",
    epilog=examples(
        "specmill verify",
        "specmill verify specs/dim_order.yaml --level quick",
        "specmill verify --explain dim_order",
    ),
)
@click.argument("specs", type=SPEC, nargs=-1, metavar="[SPEC...]")
@level_option
@click.option("--explain", metavar="MODEL", default="", help="Show all that is known of one model.")
@events_option
@click.pass_obj
def verify(
    session: Session, specs: tuple[Path, ...], level: str | None, explain: str, as_json: bool
) -> int:
    """Checks generated code as it lies in the workspace, or on the branch of a run.

    Runs the tiers static, rules, build, oracle, properties and (full) mutants:
    the code is parsed, held against the constitution, built on DuckDB, held
    against the spec on rows made to tell right from wrong, run again, and
    faults are planted in it to see whether all this could fail. Each column
    gets a verdict. Changes nothing. What was not run is listed.
    """
    from agent.terminal.progress import Progress
    from tools.verify.worker import DbtWorker

    workspace = session.workspace()
    settings = session.settings(workspace).with_flags(level=level)
    with DbtWorker(workspace.state) as worker:
        from agent.terminal.summary import print_verified
        from agent.verifying import verify_specs

        codes = []
        with Progress(session.terminal.err, quiet=as_json) as progress:
            for verified in verify_specs(workspace, settings, specs, worker, progress):
                if as_json:
                    session.emit_line({"event": "verified", **verified.to_json()})
                else:
                    print_verified(session.terminal.out, verified, explain)
                codes.append(verified.exit_code)
    return next((code for code in codes if code), 0)
