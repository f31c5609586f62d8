"""The answer to one request on a screen: its text, what was changed, what a person must decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from agent.terminal.console import print_columns, print_indented

if TYPE_CHECKING:
    from agent.asking import Answered


def print_answer(out: Console, err: Console, answered: Answered) -> None:
    """Prints an answer: its text and the changes on stdout, the rest on stderr."""
    if answered.text:
        out.print(Text(answered.text))
    if answered.changed:
        number = len(answered.changed)
        out.print(Text(f"changed {number} file{'' if number == 1 else 's'}:", style="name"))
        rows = [(path, f"+{more}", f"-{less}") for path, more, less in answered.statistics]
        print_columns(out, rows, indent=2)
    for line in answered.refused:
        print_indented(err, Text(f"refused: {line}", style="warning"), 0)
    for line in answered.waits:
        print_indented(err, Text(f"waits for you: {line}", style="question"), 0)
    if answered.reason:
        print_indented(err, Text(answered.reason, style="bad"), 0)
    if answered.remedy:
        print_indented(err, Text(f"→ {answered.remedy}"), 0)
    spent = answered.spent
    line = f"{spent.turns} turns, {spent.usage.total:,} tokens, ${spent.money:.4f}"
    err.print(Text(f"{line}; session {answered.session}", style="faint"))
