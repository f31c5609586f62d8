"""specmill init: a workspace."""

from __future__ import annotations

from pathlib import Path

import click

from agent.commands.errors import Session
from agent.commands.options import SPEC, examples, json_option


@click.command(
    short_help="Make a workspace with an example spec.",
    epilog=examples("specmill init", "specmill init my-platform"),
)
@click.argument("directory", type=SPEC, default=Path(), metavar="[DIR]")
@json_option
@click.pass_obj
def init(session: Session, directory: Path, as_json: bool) -> None:
    """Makes a workspace: constitution, workflows, an example spec with data, CI files.

    Files that are there already are kept as they are.
    """
    from agent.init import init_workspace
    from agent.terminal.lists import print_init

    made = init_workspace(directory)
    if as_json:
        session.emit(made.to_json())
    else:
        print_init(session.terminal.out, made)
