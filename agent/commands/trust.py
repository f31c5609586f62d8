"""specmill trust: consent to what a repository may not decide by itself."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click

from agent.commands.errors import Session
from agent.commands.options import examples, json_option

if TYPE_CHECKING:
    from collections.abc import Mapping


@click.command(
    short_help="Consent to guarded settings of a repo.",
    epilog=examples("specmill trust --show", "specmill trust", "specmill trust --revoke"),
)
@click.option("--show", is_flag=True, help="Say what needs consent; ask nothing.")
@click.option("--revoke", is_flag=True, help="Take the consent back.")
@json_option
@click.pass_obj
def trust(session: Session, show: bool, revoke: bool, as_json: bool) -> int:
    """Consents to what this repository's specmill.toml may not decide by itself.

    An address for the model's service (base_url), another provider, rules
    that allow tools to act unasked and a higher spending cap count only with
    your consent. It holds for exactly these values in this folder, and is kept
    in your own state folder. It is asked for at a terminal only: no program
    can give it for you. Your environment needs no consent.
    """
    from agent.config import read_file
    from agent.trust import ConsentBook, digest_of

    if show and revoke:
        raise click.UsageError("give --show or --revoke, not both")
    workspace = session.workspace()
    guarded = read_file(workspace.root).guarded
    book = ConsentBook.of(workspace.root, os.environ)
    if revoke:
        there_was = book.revoke(workspace.root)
        return _say(session, guarded, "", "revoked" if there_was else "nothing to revoke")
    known, why = book.knows(workspace.root, guarded)
    if not guarded:
        return _say(session, guarded, "", "nothing needs consent")
    digest = digest_of(guarded)
    if show or known:
        state = "consented" if known else "not consented"
        return _say(session, guarded, digest, f"{state}: {why}" if why else state)
    _ask(guarded, digest, as_json)
    from datetime import UTC, datetime

    book.record(workspace.root, guarded, datetime.now(UTC))
    return _say(session, guarded, digest, "consented")


def _ask(guarded: Mapping[str, Any], digest: str, as_json: bool) -> None:
    from tools.errors import WaitsForPerson

    if as_json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise WaitsForPerson(
            "a consent is given by a person, at a terminal", "run specmill trust in a terminal"
        )
    for line in _lines(guarded, digest):
        click.echo(line, err=True)
    if not click.confirm("Let this repository set these?", default=False, err=True):
        raise WaitsForPerson("not consented; these settings stay ignored")


def _lines(guarded: Mapping[str, Any], digest: str) -> list[str]:
    import json

    # As JSON: a value with control characters cannot repaint what is being agreed to.
    lines = [f"  {key} = {json.dumps(value)}" for key, value in guarded.items()]
    return [*lines, f"  sha256 {digest}"] if digest else lines


def _say(session: Session, guarded: Mapping[str, Any], digest: str, state: str) -> int:
    if session.json:
        session.emit({"state": state, "settings": dict(guarded), "sha256": digest})
        return 0
    click.echo(state)
    for line in _lines(guarded, digest):
        click.echo(line)
    return 0
