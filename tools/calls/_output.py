"""Long results as a model can use them: head and tail, the whole in a file that it can read."""

from __future__ import annotations

import hashlib

from tools.desk import Desk, ToolResult
from tools.findings import Finding, Report
from tools.workspace import write_atomic

LIMIT = 12_000
"""Characters of a result; some 3,000 tokens."""

EVIDENCE_LIMIT = 1_500


def shaped(
    desk: Desk, name: str, text: str, *, limit: int = LIMIT, tail: float = 0.5, error: bool = False
) -> ToolResult:
    """A result of at most about ``limit`` characters, cut at line ends.

    Args:
        desk: the desk, whose ``outputs`` take the whole text.
        name: what the text is, such as ``dbt``; part of the file's name.
        text: everything there is to say.
        limit: characters that are kept.
        tail: the share of them that the end gets.
        error: whether the call failed.
    """
    if len(text) <= limit:
        return ToolResult(text, error)
    full = keep(desk, name, text)
    lines = text.splitlines()
    first = _fitting(lines, int(limit * (1 - tail)))
    last = _fitting(lines[: first - 1 : -1] if first else lines[::-1], int(limit * tail))
    head, end = lines[:first], lines[len(lines) - last :]
    if not head and not end:  # one endless line
        head, end = [text[: int(limit * (1 - tail))]], [text[len(text) - int(limit * tail) :]]
        left = f"{len(text) - limit:,} characters"
    else:
        left = f"{len(lines) - first - last:,} of {len(lines):,} lines"
    gap = (
        f"[... {left} left out; the whole is in {full}: read_file shows it, search finds in it ...]"
    )
    return ToolResult("\n".join([*head, gap, *end]), error, full)


def _fitting(lines: list[str], room: int) -> int:
    """How many of the lines fit into so many characters."""
    used = 0
    for number, line in enumerate(lines):
        used += len(line) + 1
        if used > room:
            return number
    return len(lines)


def keep(desk: Desk, name: str, text: str) -> str:
    """Keeps a text in a file named by its content; returns its path below the root."""
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:12]
    path = (desk.outputs / f"{name}-{digest}.txt").relative_to(desk.root).as_posix()
    write_atomic(desk.root, path, text.encode("utf-8", "replace").decode())
    return path


def listed(report: Report) -> str:
    """Findings as a model reads them: one a paragraph, heaviest first, evidence indented."""
    return "\n".join(_finding(finding) for finding in report)


def _finding(finding: Finding) -> str:
    evidence = finding.evidence.strip()
    if len(evidence) > EVIDENCE_LIMIT:
        evidence = evidence[:EVIDENCE_LIMIT] + "\n[...]"
    indented = "".join(f"\n    {line}" for line in evidence.splitlines())
    return f"{finding}{indented}"
