"""specmill ask: one request, unattended."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import click

from agent.commands.errors import Session
from agent.commands.options import events_option, examples

if TYPE_CHECKING:
    from agent.sessions import Session as Kept
    from tools.workspace import Workspace


@click.command(
    short_help="One request, with nobody watching.",
    epilog=examples(
        "specmill ask 'which models read raw_orders?'",
        "specmill ask 'rename amount to amount_eur' --mode edit",
        "specmill ask --resume last 'and the tests too' --mode edit --json",
    ),
)
@click.argument("request", default="")
@click.option(
    "--mode",
    type=click.Choice(["plan", "ask", "edit", "auto"]),
    default="ask",
    show_default=True,
    help="What is done unasked: plan and ask only read, edit writes and tests, auto commits too.",
)
@click.option("--allow", "allowed", multiple=True, metavar="RULE", help="As in specmill.toml.")
@click.option("--resume", metavar="ID", default="", help="Go on with a session; or 'last'.")
@click.option("--max-money", type=click.FloatRange(0, min_open=True), help="US dollars at most.")
@click.option("--model", help="The model that answers.")
@events_option
@click.pass_obj
def ask(
    session: Session,
    /,
    *,
    request: str,
    mode: Any,
    allowed: tuple[str, ...],
    resume: str,
    max_money: float | None,
    model: str | None,
    as_json: bool,
) -> int:
    """Answers one REQUEST in any repository, and ends.

    Nothing waits for a terminal: what would need your permission, or your
    answer, is said at the end, with exit code 3. The text of the answer and
    the changed files are on stdout. The session is kept: go on with it by
    --resume here, or in specmill chat.
    """
    if not request.strip() and not resume:
        raise click.UsageError("give a REQUEST, or --resume ID")
    from dataclasses import replace

    from agent.models import model_from

    workspace = session.workspace()
    trusted = session.trusted(workspace)
    settings = trusted.settings.with_flags(money=max_money, model=model)
    rules = settings.permissions
    settings = replace(settings, permissions=replace(rules, allow=(*rules.allow, *allowed)))
    session.require_service(trusted)
    answers = model_from(settings, os.environ)
    from agent.asking import answer_request
    from agent.terminal.asked import print_answer

    with _kept(workspace, resume) as kept:
        session.resume_hint = f"specmill ask --resume {kept.id}"
        answered = answer_request(
            workspace,
            settings,
            kept,
            answers,
            text=request.strip(),
            mode=mode,
            tell=lambda event: _tell(session, event),
        )
        session.resume_hint = ""
    if as_json:
        session.emit_line({"event": "done", **answered.to_json()})
    else:
        print_answer(session.terminal.out, session.terminal.err, answered)
    return answered.exit_code


def _kept(workspace: Workspace, resume: str) -> AbstractContextManager[Kept]:
    from datetime import datetime

    from agent.sessions import new_session, open_session

    if resume:
        return open_session(workspace, resume)
    return new_session(workspace, datetime.now().astimezone())


def _tell(session: Session, event: dict[str, Any]) -> None:
    if session.json:
        session.emit_line(event)
        return
    from agent.terminal.repair import print_event

    print_event(session.terminal.err, event)
