"""specmill replay: a run again, from its recording."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent.commands.errors import Session
from agent.commands.options import examples, json_option

if TYPE_CHECKING:
    from agent.replaying import Replayed


@click.command(
    short_help="Run a run again from its recording.",
    epilog=examples("specmill replay last", "specmill replay dim_order-1122-0153 --json"),
)
@click.argument("run")
@json_option
@click.pass_obj
def replay(session: Session, run: str, as_json: bool) -> int:
    """Runs a run again with the answers that were recorded, without a model.

    It is done in a copy of the workspace; your files and branches stay as they
    are. The exit code is 0 if the same requests were made and the same files
    came out, and 1 if not; the first difference is shown.
    """
    from agent.replaying import replay as again
    from agent.terminal.progress import Progress

    workspace = session.workspace()
    found = again(
        workspace,
        session.settings(workspace),
        run,
        progress=lambda: Progress(session.terminal.err, quiet=as_json, verbose=session.verbose),
    )
    if as_json:
        session.emit(found.to_json())
    else:
        _say(found)
    return 0 if found.ok else 1


def _say(found: Replayed) -> None:
    click.echo(f"{found.run}: {found.files} files the same")
    for path in found.different:
        click.echo(f"  another: {path}")
    if found.divergence:
        where = f"request {found.divergence['number']}, {found.divergence['place']}"
        click.echo(f"It diverged at {where}:")
        click.echo(found.divergence["diff"])
    if found.left:
        click.echo(f"{found.left} recorded answers were not asked for.")
    if found.failure:
        click.echo(f"It ended early: {found.failure}")
