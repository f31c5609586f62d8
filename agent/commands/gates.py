"""specmill approve, adopt, restore: what a person decides."""

from __future__ import annotations

import click

from agent.commands.errors import Session
from agent.commands.options import examples, json_option


@click.command(
    short_help="Answer a gate: approve this content.",
    epilog=examples(
        "specmill approve dim_order-1122-0153",
        "specmill approve specs/dim_order.yaml --note 'as agreed on Monday'",
    ),
)
@click.argument("subject", metavar="SPEC|RUN")
@click.option("--who", help="Who approves; git's user.name and user.email by default.")
@click.option("--note", default="", help="What you want to be remembered with it.")
@json_option
@click.pass_obj
def approve(session: Session, subject: str, who: str | None, note: str, as_json: bool) -> None:
    """Answers a gate: you approve exactly this content.

    The record holds who, when and the sha256 of what; it is void as soon as
    the content is another.
    """
    from agent.deciding import approve as decide

    workspace = session.workspace()
    decided = decide(workspace, session.settings(workspace), subject, who=who, note=note)
    if as_json:
        session.emit(decided.to_json())
    else:
        session.terminal.out.print(decided.text)


@click.command(
    short_help="Keep a hand-edited file as custom code.",
    epilog=examples("specmill adopt generated/dbt/models/marts/dim_order.sql"),
)
@click.argument("file")
@json_option
@click.pass_obj
def adopt(session: Session, file: str, as_json: bool) -> None:
    """Keeps a hand-edited generated file: it becomes custom code of its spec.

    The file moves to custom/, and the spec says so; from then on it is yours.
    """
    from agent.deciding import adopt as decide

    workspace = session.workspace()
    decided = decide(workspace, session.settings(workspace), file)
    if as_json:
        session.emit(decided.to_json())
    else:
        session.terminal.out.print(decided.text)


@click.command(
    short_help="Drop the edit of a generated file.",
    epilog=examples("specmill restore generated/dbt/models/marts/dim_order.sql"),
)
@click.argument("file")
@json_option
@click.pass_obj
def restore(session: Session, file: str, as_json: bool) -> None:
    """Gives a hand-edited generated file its generated text back; the edit is saved aside."""
    from agent.deciding import restore as decide

    workspace = session.workspace()
    decided = decide(workspace, session.settings(workspace), file)
    if as_json:
        session.emit(decided.to_json())
    else:
        session.terminal.out.print(decided.text)
