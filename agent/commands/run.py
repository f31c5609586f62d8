"""specmill run: from a spec to a branch."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.commands.errors import Session
from agent.commands.options import SPEC, events_option, examples, level_option

if TYPE_CHECKING:
    from agent.config import Settings
    from agent.model.base import Model
    from agent.result import Result
    from agent.run import Engine
    from tools.workspace import Workspace


@click.command(
    short_help="Take specs to a tested branch.",
    epilog=examples(
        "specmill run specs/dim_order.yaml",
        "specmill run specs/*.yaml --level quick --json",
        "specmill run specs/dim_order.yaml --dry-run",
        "specmill run --resume last",
    ),
)
@click.argument("specs", type=SPEC, nargs=-1, metavar="[SPEC...]")
@click.option("--target", help="The target of the spec that it is for; duckdb by default.")
@level_option
@click.option("--dry-run", is_flag=True, help="Say what would be written; write nothing.")
@click.option("--no-commit", is_flag=True, help="Write into the workspace; no branch, no commit.")
@click.option("--workflow", help="A workflow by name, instead of the one that applies.")
@click.option("--resume", metavar="RUN", help="Go on with a run; 'last' is the newest.")
@events_option
@click.pass_obj
def run(
    session: Session,
    /,
    *,
    specs: tuple[Path, ...],
    dry_run: bool,
    no_commit: bool,
    resume: str | None,
    as_json: bool,
    **flags: Any,
) -> int:
    """Takes specs to a tested, reviewed dbt project on a branch of its own.

    The work is done beside your own files and index; nothing of it reaches
    your branch before you merge it. Several specs are run in the order given;
    the exit code is the first that is not 0.
    """
    if bool(specs) == bool(resume):
        raise click.UsageError("give one or more SPECs, or --resume RUN")
    workspace = session.workspace()
    commit = False if no_commit else None
    settings = session.settings(workspace).with_flags(commit=commit, **flags)
    if dry_run:
        return _dry(session, specs, workspace, settings)
    from agent.terminal.progress import Progress
    from tools.verify.worker import DbtWorker

    # first of all: it imports dbt while we import ours
    with DbtWorker(workspace.state, query_seconds=settings.query_seconds) as worker:
        from agent.run import Engine
        from tools.secrets import known_secrets

        engine = Engine(
            workspace=workspace,
            settings=settings,
            worker=worker,
            progress=lambda: Progress(session.terminal.err, quiet=as_json, verbose=session.verbose),
            echo=session.emit_line if as_json else None,
            model=partial(_model, settings),
            secrets=known_secrets(os.environ),
        )
        if resume:
            return _resume(session, engine, resume)
        codes = [_start(session, engine, spec) for spec in specs]
    return next((code for code in codes if code), 0)


def _model(settings: Settings) -> Model:
    """The model of the settings; asked for when the first step needs one."""
    from agent.models import model_from

    return model_from(settings, os.environ)


def _start(session: Session, engine: Engine, spec: Path) -> int:
    from tools.errors import InternalError, ProgramMissing, SpecmillError

    try:
        result = engine.start(spec, began=lambda run: _remember(session, run))
    except (ProgramMissing, InternalError):
        raise
    except SpecmillError as error:
        return session.say(error)
    return _show(session, result)


def _resume(session: Session, engine: Engine, name: str) -> int:
    result = engine.resume(name, began=lambda run: _remember(session, run))
    return _show(session, result)


def _remember(session: Session, run: str) -> None:
    session.resume_hint = f"specmill run --resume {run}"


def _show(session: Session, result: Result) -> int:
    from agent.terminal.summary import print_summary

    session.resume_hint = ""
    if session.json:
        session.emit_line({"event": "result", **result.to_json()})
    else:
        print_summary(session.terminal.out, result)
    if session.verbose:
        folder = f".specmill/runs/{result.state['run']}"
        click.echo(f"workflow {result.state['workflow']}; trace {folder}/trace.jsonl", err=True)
        click.echo("dbt's own log is .specmill/logs/dbt-worker.log", err=True)
    return int(result.exit_code)


def _dry(
    session: Session, specs: tuple[Path, ...], workspace: Workspace, settings: Settings
) -> int:
    from agent.checking import dry_run
    from agent.terminal.findings import print_findings
    from agent.terminal.plan import print_dry_run

    codes = []
    for spec in specs:
        dry = dry_run(workspace, settings, spec)
        if session.json:
            session.emit_line({"event": "dry-run", **dry.to_json()})
        elif dry.plan is None:
            print_findings(session.terminal.err, dry.report)
        else:
            print_dry_run(session.terminal.out, dry)
        codes.append(0 if dry.plan else 1)
    return next((code for code in codes if code), 0)
