"""specmill runs, show: what was run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent.commands.errors import Session
from agent.commands.options import examples, json_option

if TYPE_CHECKING:
    from tools.workspace import Workspace


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
    epilog=examples("specmill show last --prompts", "specmill show dim_order-1122-0153 --json"),
)
@click.argument("run")
@click.option("--prompts", is_flag=True, help="Print what a model was sent and answered instead.")
@json_option
@click.pass_obj
def show(session: Session, run: str, prompts: bool, as_json: bool) -> None:
    """Shows what a run did, how it ended, and what it found; 'last' is the newest."""
    from agent.graph import read_state
    from agent.result import result_of
    from agent.runs import CHECKPOINTS, find_run
    from agent.terminal.summary import print_summary

    workspace = session.workspace()
    name = find_run(workspace, run)
    if prompts:
        _prompts(session, workspace, name)
        return
    ended = read_state(workspace.state / CHECKPOINTS, name)
    result = result_of(ended.state, ended.waits)
    if as_json:
        session.emit(result.to_json())
    else:
        print_summary(session.terminal.out, result)


def _prompts(session: Session, workspace: Workspace, name: str) -> None:
    """What was sent, each part once: a request adds to the one before it."""
    from agent.recording import FILE, read_recording
    from agent.runs import runs_folder
    from agent.sent import sent_text

    exchanges = read_recording(runs_folder(workspace) / name / FILE)
    if session.json:
        session.emit(
            [
                {
                    "about": exchange.about,
                    "request": exchange.request.to_json(),
                    "answer": exchange.turn.to_json() if exchange.turn else None,
                }
                for exchange in exchanges
            ]
        )
    elif not exchanges:
        click.echo(f"{name} asked no model anything.")
    else:
        for line in sent_text(exchanges):
            click.echo(line)
