"""Regenerates the documents that come from code and from real runs.

``make docs``, or ``python -m docs.build [--check]``. With ``--check`` nothing is written; what is
out of date is named, and the exit code is 1.

The reference pages and the JSON Schema are a function of the code, so ``--check`` compares them
byte by byte. ``docs/demo.svg`` shows a real run, seconds and commit id included, which no second
run repeats: ``--check`` only asks whether it is a picture of a run of the example spec that ended
well, ``tests/docs`` runs the spec again and compares everything but seconds and ids, and without
``--check`` the file is written only if it differs in more than those.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click

from agent.cli import cli
from docs.demo import SPEC, Stopped, commit_all, program, repository
from docs.picture import WIDTH, is_new, picture, shown
from docs.reference import cli_page, lint_page, rules_page
from tools.rules.load import load_constitution
from tools.spec.checks.codes import CODES
from tools.spec.schema import schema_text

ROOT = Path(__file__).resolve().parents[1]
PICTURE = "docs/demo.svg"
REMEDY = "run `make docs`, look at the difference, and commit it"


def pages() -> dict[str, str]:
    """Every document that is a function of the code, by its path."""
    return {
        "specs/spec.schema.json": schema_text(),
        "docs/cli.md": cli_page(cli),
        "docs/lint.md": lint_page(CODES),
        "docs/rules.md": rules_page(load_constitution(ROOT / "constitution")),
    }


def real_run() -> str:
    """What ``specmill run`` prints on a terminal of 80 columns, in a workspace of its own.

    Raises:
        Stopped: it failed; the message holds what it said.
    """
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("SPECMILL_")},
        "COLUMNS": str(WIDTH),
        "FORCE_COLOR": "1",
        "TERM": "xterm-256color",
    }
    environment.pop("NO_COLOR", None)
    with tempfile.TemporaryDirectory(prefix="specmill-docs-") as folder:
        workspace = repository(Path(folder))
        workspace.quietly(program("specmill"), "init")
        commit_all(workspace)
        done = subprocess.run(
            [program("specmill"), "run", SPEC],
            cwd=folder, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode:
        said = f"{done.stdout}{done.stderr}"
        raise Stopped(f"`specmill run {SPEC}` ended with {done.returncode}:\n{said}")
    return f"\x1b[1m$ specmill run {SPEC}\x1b[0m\n{done.stdout}"


def picture_problem() -> str:
    """What is wrong with the picture as it lies there; empty if nothing is."""
    try:
        text = shown((ROOT / PICTURE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return str(error)
    lines = text.splitlines()
    if lines[0] != f"$ specmill run {SPEC}":
        return f"it does not show `specmill run {SPEC}`"
    if not any("dim_order" in line and " done in " in line for line in lines):
        return "it does not show a run that ended well"
    if any(len(line) > WIDTH for line in lines):
        return f"a line is longer than {WIDTH} columns"
    return ""


def outdated() -> Iterator[str]:
    """Names each document that is not what the code says, with why."""
    for path, text in pages().items():
        file = ROOT / path
        if not file.is_file():
            yield f"{path}: is missing"
        elif file.read_text(encoding="utf-8") != text:
            yield f"{path}: is not what the code says"
    problem = picture_problem()
    if problem:
        yield f"{PICTURE}: {problem}"


def write() -> Iterator[str]:
    """Writes what changed, the picture last; names each file.

    Raises:
        Stopped: there is no picture, because the run that it would show failed.
    """
    for path, text in pages().items():
        file = ROOT / path
        if not file.is_file() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8", newline="\n")
            yield path
    made = picture(f"specmill run {SPEC}", real_run())
    if is_new(ROOT / PICTURE, made):
        (ROOT / PICTURE).write_text(made, encoding="utf-8", newline="\n")
        yield PICTURE


@click.command(help="Regenerates the documents that come from code and from real runs.")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if any is out of date.")
def main(check: bool) -> None:
    """Writes or checks the documents."""
    if check:
        problems = list(outdated())
        for problem in problems:
            click.echo(problem, err=True)
        if problems:
            click.echo(f"→ {REMEDY}", err=True)
        sys.exit(1 if problems else 0)
    try:
        for path in write():
            click.echo(f"wrote {path}")
    except Stopped as stopped:
        click.echo(f"{PICTURE} was not made: {stopped}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
