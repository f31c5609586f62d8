"""The demo: a spec becomes a tested dbt project on a branch, in a workspace of its own.

``make demo``, or ``python -m docs.demo [--dir DIR]``. It calls the commands that a person would
type, shows what they print, and leaves the workspace for you to look around in. The exit code is
that of the first command that fails, and 1 if the history is not what the change should have made.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import click
import duckdb

SPEC = "specs/dim_order.yaml"
BRANCH = "specmill/dim_order"
REVIEW = "generated/review/dim_order.md"

# What happens in the shop between the two runs: order 5003, placed so far, is paid.
_DATA = "specs/data/order.csv"
PLACED = "5003,,placed,,USD,15.50,,2026-03-02 00:00:00,2026-03-02 00:00:00,1\n"
PAID = "5003,,paid,,USD,15.50,,2026-03-02 00:00:00,2026-03-06 09:30:00,2\n"

Version = tuple[object, ...]


class Stopped(Exception):
    """The demo cannot go on; ``code`` is what it exits with."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Workspace:
    """The folder that the demo plays in."""

    root: Path

    def call(self, *argv: str) -> None:
        """Runs a command before everybody's eyes.

        Raises:
            Stopped: it failed, with its exit code.
        """
        click.secho(f"$ {shlex.join(argv)}", bold=True)
        quiet = ("--no-pager",) if argv[0] == "git" else ()
        whole = [program(argv[0]), *quiet, *argv[1:]]
        code = subprocess.run(whole, cwd=self.root, check=False).returncode
        click.echo()
        if code:
            raise Stopped(f"`{shlex.join(argv)}` ended with exit code {code}", code)

    def quietly(self, *argv: str) -> None:
        """Runs a command that a person would have run long before.

        Raises:
            Stopped: it failed.
        """
        done = subprocess.run(argv, cwd=self.root, check=False, capture_output=True, text=True)
        if done.returncode:
            raise Stopped(f"`{shlex.join(argv)}`: {done.stderr.strip()}", 6)

    def history(self) -> dict[object, Version]:
        """The versions in ``dim_order`` by their key: order, status, from, to."""
        file = self.root / ".specmill" / "db" / "dim_order.duckdb"
        with duckdb.connect(str(file), read_only=True) as database:
            rows = database.execute(
                "select order_key, order_id, status, valid_from, valid_to from marts.dim_order "
                "order by order_id, valid_from"
            ).fetchall()
        return {row[0]: row[1:] for row in rows}


def program(name: str) -> str:
    """The path of a program: ``specmill`` is the one beside this Python.

    Raises:
        Stopped: this Python has no specmill.
    """
    if name != "specmill":
        return name
    beside = Path(sys.executable).with_name(name)
    if not beside.exists():
        raise Stopped(f"{beside} is not there; install it: pip install --editable '.[dev]'", 6)
    return str(beside)


def repository(root: Path) -> Workspace:
    """An empty git repository with an identity of its own, whatever git's global settings are."""
    root.mkdir(parents=True, exist_ok=True)
    workspace = Workspace(root)
    workspace.quietly("git", "init", "--quiet", "--initial-branch=main")
    for key, value in {
        "user.name": "Demo",
        "user.email": "demo@example.invalid",
        "commit.gpgsign": "false",
        "core.hooksPath": ".git/hooks",
    }.items():
        workspace.quietly("git", "config", key, value)
    return workspace


def commit_all(workspace: Workspace) -> None:
    """Commits what ``specmill init`` made, as its owner would."""
    workspace.quietly("git", "add", "--all")
    workspace.quietly("git", "commit", "--quiet", "--message", "A new workspace")


def pay_order(workspace: Workspace) -> None:
    """Changes one order in the data.

    Raises:
        Stopped: the example's data is not what this demo was written for.
    """
    file = workspace.root / _DATA
    text = file.read_text(encoding="utf-8")
    if text.count(PLACED) != 1:
        raise Stopped(f"{_DATA} does not hold the order that this demo changes")
    file.write_text(text.replace(PLACED, PAID), encoding="utf-8")
    click.secho(f"$ diff {_DATA}", bold=True)
    click.secho(f"- {PLACED}", fg="red", nl=False)
    click.secho(f"+ {PAID}", fg="green")


def show_change(before: dict[object, Version], after: dict[object, Version]) -> None:
    """Says which versions a run closed and added.

    Raises:
        Stopped: it is not one of each, or another version is not as it was.
    """
    added = [row for key, row in after.items() if key not in before]
    closed = [row for key, row in after.items() if key in before and row != before[key]]
    gone = [row for key, row in before.items() if key not in after]
    click.echo("dim_order   order  status     valid_from           valid_to")
    for what, rows, colour in (("closed", closed, "yellow"), ("added", added, "green")):
        for order, status, start, end in rows:
            line = f"  {what:<8}  {order:<5}  {status:<9}  {start!s:<19}  {end or 'open'}"
            click.secho(line, fg=colour)
    click.echo(f"  as before: {len(after) - len(added) - len(closed)}")
    click.echo()
    if (len(added), len(closed), len(gone)) != (1, 1, 0):
        raise Stopped(
            f"one version was to be closed and one added; {len(closed)} closed, {len(added)} "
            f"added, {len(gone)} gone"
        )


def tell(text: str) -> None:
    """A line of the story."""
    click.secho(f"# {text}", fg="cyan")


def play(root: Path) -> None:
    """The demo from beginning to end.

    Raises:
        Stopped: a command failed, or the history is wrong.
    """
    workspace = repository(root)
    tell("A new workspace: rules, workflows, example specs and their data.")
    workspace.call("specmill", "init")
    commit_all(workspace)
    tell("A spec becomes a dbt project, which is built and tested on DuckDB, on a branch.")
    workspace.call("specmill", "run", SPEC)
    before = workspace.history()
    tell("In the shop, order 5003 is paid.")
    pay_order(workspace)
    tell("The same command again. The spec is the same, so the code is; the history goes on.")
    workspace.call("specmill", "run", SPEC)
    show_change(before, workspace.history())
    tell("What you would review: the branch, and the page that explains it.")
    workspace.call("git", "log", "--oneline", f"main..{BRANCH}")
    workspace.call("git", "diff", "--shortstat", f"main...{BRANCH}")
    tell("Your own branch was not touched; the only change is the one in the data:")
    workspace.call("git", "status", "--short", "--branch")
    click.echo(f"read    git -C {root} show {BRANCH}:{REVIEW}")
    click.echo(f"or go   cd {root}")


@click.command(help="A spec becomes a tested dbt project on a branch, in a workspace of its own.")
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="The workspace: a new or empty folder. Otherwise a temporary one; it is kept.",
)
def main(folder: Path | None) -> None:
    """Plays the demo."""
    if folder and folder.exists() and any(folder.iterdir()):
        raise click.UsageError(f"{folder} is not empty")
    root = folder.absolute() if folder else Path(tempfile.mkdtemp(prefix="specmill-demo-"))
    try:
        play(root)
    except Stopped as stopped:
        click.secho(f"the demo stopped: {stopped}", fg="red", err=True)
        click.echo(f"the workspace is kept: {root}", err=True)
        sys.exit(stopped.code)


if __name__ == "__main__":
    main()
