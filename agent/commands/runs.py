"""specmill runs, show: what was run."""

from __future__ import annotations

import click

from agent.commands.errors import Session
from agent.commands.options import examples, json_option


@click.command(
    short_help="List the runs of the workspace.",
    epilog=examples("specmill runs", "specmill runs --json"),
)
@click.option("-n", "--limit", default=20, show_default=True, help="How many, newest first.")
@json_option
@click.pass_obj
def runs(session: Session, limit: int, as_json: bool) -> None:
    """Lists the runs of the workspace, newest first."""
    from agent.runs import list_runs
    from agent.terminal.lists import print_runs

    records = list_runs(session.workspace())[:limit]
    if as_json:
        session.emit([record.to_json() for record in records])
    else:
        print_runs(session.terminal.out, records)


@click.command(
    short_help="Show what a run did and found.",
    epilog=examples("specmill show last", "specmill show dim_order-1122-0153 --json"),
)
@click.argument("run")
@json_option
@click.pass_obj
def show(session: Session, run: str, as_json: bool) -> None:
    """Shows what a run did, how it ended, and what it found; 'last' is the newest."""
    from agent.graph import read_state
    from agent.result import result_of
    from agent.runs import CHECKPOINTS, find_run
    from agent.terminal.summary import print_summary

    workspace = session.workspace()
    name = find_run(workspace, run)
    ended = read_state(workspace.state / CHECKPOINTS, name)
    result = result_of(ended.state, ended.waits)
    if as_json:
        session.emit(result.to_json())
    else:
        print_summary(session.terminal.out, result)
