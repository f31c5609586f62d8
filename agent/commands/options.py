"""Options and arguments that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Command = Callable[..., Any]

SPEC = click.Path(path_type=Path)

json_option: Callable[[Command], Command] = click.option(
    "--json", "as_json", is_flag=True, help="One JSON document on stdout, and nothing else."
)
events_option: Callable[[Command], Command] = click.option(
    "--json", "as_json", is_flag=True, help="JSON lines of events on stdout, and nothing else."
)
level_option: Callable[[Command], Command] = click.option(
    "--level",
    type=click.Choice(["quick", "full"]),
    help="How much is proved; the workflow says it otherwise.",
)


def examples(*lines: str) -> str:
    """An epilog of example calls that click does not rewrap."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
