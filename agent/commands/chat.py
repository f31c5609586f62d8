"""specmill chat: a conversation in a terminal."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import click

from agent.commands.errors import Session
from agent.commands.options import examples

if TYPE_CHECKING:
    from agent.commands.chat_loop import Place


@click.command(
    short_help="Talk to the agent, in a terminal.",
    epilog=examples(
        "specmill chat",
        "specmill chat --mode plan",
        "specmill chat --resume",
        "echo 'which models read shop.order?' | specmill chat",
    ),
)
@click.option(
    "--resume",
    metavar="[ID]",
    is_flag=False,
    flag_value="last",
    default="",
    help="Go on with a session; without ID, with the last one.",
)
@click.option(
    "--mode",
    type=click.Choice(["plan", "ask", "edit", "auto"]),
    help="What is done unasked: plan only reads, ask (at first) asks before anything else, "
    "edit writes and tests, auto commits too.",
)
@click.option("--model", help="The model that answers.")
@click.pass_obj
def chat(session: Session, resume: str, mode: str | None, model: str | None) -> int:
    """Talks to the agent about what is in this folder.

    It reads, and asks before it changes anything. What you type while it works
    is read before its next step; Esc stops it. Changes are shown before they
    are made, and /undo puts files back exactly. Sessions are kept.

    Without a terminal each line of the input is a message, and what would need
    your approval is refused.
    """
    from agent.commands.chat_loop import Place
    from agent.models import model_from

    workspace = session.workspace()
    trusted = session.trusted(workspace)
    settings = trusted.settings
    model_from(settings, os.environ)  # without a key there is nothing to talk to
    chosen = {"mode": mode, "model": model}
    place = Place(
        session,
        workspace,
        settings,
        lambda wanted: model_from(wanted, os.environ),
        {key: value for key, value in chosen.items() if value},
    )
    if sys.stdin.isatty() and sys.stdout.isatty():
        return _at_terminal(place, resume)
    session.require_service(trusted)
    from agent.commands.chat_loop import talk_piped
    from agent.terminal.chat_piped import Pipe

    pipe = Pipe(sys.stdout, session.terminal.err)
    return talk_piped(place, pipe, sys.stdin, resume)


def _at_terminal(place: Place, resume: str) -> int:
    from agent.commands.chat_loop import known_names, talk
    from agent.terminal.chat import make_screen
    from agent.terminal.chat_prompt import Known

    screen = make_screen(
        place.session.terminal.out,
        Known(*known_names(place.workspace)),
        place.workspace.state / "chat-history",
        color=place.session.color and not os.environ.get("NO_COLOR"),
    )
    with screen.held():
        return talk(place, screen, resume)
