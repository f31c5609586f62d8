"""The command line: global options, the list of commands, and what errors look like.

Only click is imported here and at the top of ``agent.commands``, so that ``--help`` answers at
once; each command imports what it needs when it runs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from agent.commands import (
    ask,
    chat,
    check,
    constitution,
    gates,
    init,
    plan,
    repair,
    replay,
    run,
    runs,
    schema,
    trust,
    verify,
    workflow,
)
from agent.commands.errors import Session, exit_code_of

_EXIT_CODES = """\b
Exit codes:
  0    done, and everything that was asked for holds
  1    findings: the spec, a rule or a check fails
  2    the call itself is wrong
  3    waits for a person: a gate, an open question, a hand-edited file
  4    needs a model, and none is configured (what was compiled is kept)
  5    a budget is spent
  6    a program, a permission or disk space is missing
  7    an internal error
  130  interrupted; the run resumes
"""


class Specmill(click.Group):
    """The group of all commands; turns every failure into a message and an exit code."""

    def main(  # type: ignore[override]
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        **extra: Any,
    ) -> None:
        """Runs a command and exits with its code; see ``click.Group.main``."""
        arguments = list(sys.argv[1:] if args is None else args)
        session = Session(json="--json" in arguments, arguments=tuple(arguments))
        extra["standalone_mode"] = False
        run_group = super().main
        sys.exit(
            exit_code_of(session, lambda: run_group(arguments, prog_name, obj=session, **extra))
        )

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command; a reader of its output that leaves early is no failure."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        return result

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The commands in the order in which a newcomer needs them."""
        return list(self.commands)


@click.group(
    cls=Specmill,
    epilog=_EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 80},
)
@click.version_option(package_name="specmill", prog_name="specmill", message="%(prog)s %(version)s")
@click.option(
    "-C",
    "directory",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Work as if started in DIR.",
)
@click.option(
    "--no-color", is_flag=True, help="No colour; NO_COLOR in the environment does the same."
)
@click.option("--verbose", is_flag=True, help="Say more about what is being done.")
@click.pass_obj
def cli(session: Session, directory: Path | None, no_color: bool, verbose: bool) -> None:
    """From a versioned spec to tested, proved, reviewable pipeline code.

    \b
    Start here:
      specmill init my-platform && cd my-platform
      specmill run specs/dim_order.yaml
    """
    session.color = not no_color
    session.verbose = verbose
    session.enter(directory)


for _command in (
    init.init,
    check.check,
    plan.plan,
    run.run,
    verify.verify,
    repair.repair,
    ask.ask,
    chat.chat,
    gates.approve,
    gates.adopt,
    gates.restore,
    runs.runs,
    runs.show,
    replay.replay,
    schema.schema,
    constitution.constitution,
    workflow.workflow,
    trust.trust,
):
    cli.add_command(_command)
