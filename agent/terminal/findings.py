"""Findings on a screen: place, severity, message; hint and evidence indented below."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.text import Text

from agent.terminal.console import print_indented
from tools.findings import Finding, Report, Severity

_EVIDENCE_LINES = 24


def print_finding(console: Console, finding: Finding) -> None:
    """One finding: a line for the place, the message, what to do, what shows it."""
    head = Text()
    head.append(finding.severity.value, style=finding.severity.value)
    head.append(f" {finding.code}", style="faint")
    if finding.location:
        head.append(f"  {finding.location}", style="path")
    elif finding.subject:
        head.append(f"  {finding.subject}", style="path")
    console.print(head, soft_wrap=True)
    print_indented(console, Text(finding.message), 2)
    if finding.hint:
        print_indented(console, Text(f"→ {finding.hint}"), 2)
    if finding.evidence:
        _print_evidence(console, finding.evidence)


def _print_evidence(console: Console, evidence: str) -> None:
    lines = evidence.expandtabs(4).rstrip().splitlines()
    shown = lines[:_EVIDENCE_LINES]
    if len(lines) > len(shown):
        shown.append(f"... {len(lines) - len(shown)} more lines (--json has them all)")
    for line in shown:
        text = Text(f"    {line}".rstrip(), style="faint")
        text.truncate(console.width, overflow="ellipsis")
        console.print(text, soft_wrap=True)


def print_findings(console: Console, findings: Iterable[Finding]) -> None:
    """Prints findings, heaviest first, with a count of each severity below."""
    report = Report.of(findings)
    for finding in report:
        print_finding(console, finding)
    if len(report) > 1:
        console.print(Text(counted(report), style="faint"))


def counted(report: Report) -> str:
    """Such as ``2 errors, 1 question``."""
    parts = []
    for severity in Severity:
        number = len(report.of_severity(severity))
        if number:
            parts.append(f"{number} {severity.value}{'' if number == 1 else 's'}")
    return ", ".join(parts) or "no findings"
