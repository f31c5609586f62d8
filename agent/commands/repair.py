"""specmill repair: a project with failing tests."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from agent.commands.errors import Session
from agent.commands.options import SPEC, events_option, examples

if TYPE_CHECKING:
    from agent.model.base import Model
    from agent.trust import Trusted


@click.command(
    short_help="Repair failing dbt or pytest tests.",
    epilog=examples(
        "specmill repair",
        "specmill repair transform/ --target dev",
        "specmill repair --with pytest --json",
    ),
)
@click.argument("directory", type=SPEC, default=Path(), metavar="[DIR]")
@click.option("--with", "kind", type=click.Choice(["dbt", "pytest"]), help="Which tests.")
@click.option("--target", default="", help="The dbt target; needed where it is no DuckDB file.")
@click.option("--rounds", default=4, show_default=True, type=click.IntRange(1, 20), help="At most.")
@click.option(
    "--timeout", default=1800.0, show_default=True, help="Seconds for a run of the tests."
)
@click.option(
    "--env", "passes", multiple=True, metavar="NAME", help="A variable that tests may see."
)
@click.option("--max-money", type=click.FloatRange(0, min_open=True), help="US dollars at most.")
@click.option("--model", help="The model.")
@events_option
@click.pass_obj
def repair(
    session: Session,
    /,
    *,
    directory: Path,
    kind: Literal["dbt", "pytest"] | None,
    target: str,
    rounds: int,
    timeout: float,
    passes: tuple[str, ...],
    max_money: float | None,
    model: str | None,
    as_json: bool,
) -> int:
    """Repairs a dbt or pytest project whose tests fail, with or without specs.

    Runs the tests, gathers what failed with its evidence, and has the model
    repair the code in a git worktree of its own; your checkout is only read.
    What is not committed takes part. A DuckDB database is copied for each run.
    Tests, what they expect and what configures them stay as they are. It ends
    with what the last run of the tests said: the result is on a branch.
    """
    from agent.repair_job import Job
    from agent.repairing import repair_project
    from agent.terminal.repair import print_event, print_repair
    from tools.workspace import find_workspace

    workspace = find_workspace(directory)
    session.crash_folder = workspace.state
    trusted = session.trusted(workspace)
    settings = trusted.settings.with_flags(money=max_money, model=model)
    job = Job(
        directory,
        workspace,
        settings,
        dict(os.environ),
        kind=kind,
        target=target,
        passes=passes,
        rounds=rounds,
        timeout=timeout,
    )

    def tell(event: dict[str, Any]) -> None:
        if as_json:
            session.emit_line(event)
        else:
            print_event(session.terminal.err, event)

    outcome = repair_project(job, lambda: _model(session, trusted, settings), tell)
    if as_json:
        session.emit_line({"event": "result", **outcome.to_json()})
    else:
        print_repair(session.terminal.out, outcome)
    return outcome.exit_code


def _model(session: Session, trusted: Trusted, settings: Any) -> Model:
    from agent.models import model_from

    session.require_service(trusted)
    return model_from(settings, os.environ)
