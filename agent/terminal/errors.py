"""A failure on a screen: what is wrong, where, what to do; never a traceback."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from agent.terminal.console import print_indented
from agent.terminal.findings import print_findings
from tools.findings import Finding


def print_error(
    console: Console, message: str, remedy: str = "", findings: Sequence[Finding] = ()
) -> None:
    """Prints an error; a single finding that says the same is not said twice."""
    repeats = len(findings) == 1 and findings[0].message in message
    if findings:
        print_findings(console, findings)
    if not repeats:
        print_indented(console, Text.assemble(("error: ", "error"), message), 0)
    if remedy and not (repeats and findings[0].hint == remedy):
        print_indented(console, Text(f"→ {remedy}"), 0)
