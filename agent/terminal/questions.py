"""Open questions on a screen, each with what is assumed until it is answered."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from agent.terminal.console import print_indented
from tools.findings import Finding


def print_questions(console: Console, questions: Sequence[Finding]) -> None:
    """Prints nothing when none is open."""
    if not questions:
        return
    number = len(questions)
    title = "1 open question blocks" if number == 1 else f"{number} open questions block"
    console.print()
    console.print(
        Text.assemble((f"{title} production", "question"), (", assumed for now", "faint"))
    )
    for question in questions:
        line = Text("- ")
        if question.subject:
            line.append(f"{question.subject}: ", style="name")
        line.append(question.message)
        print_indented(console, line, 2)
        if question.hint:
            print_indented(console, Text(question.hint, style="faint"), 4)
