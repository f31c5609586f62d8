"""Checks a spec."""

from __future__ import annotations

from tools.calls._output import listed, shaped
from tools.calls._specs import checked, load
from tools.desk import Desk, ToolResult

EFFECT = "read"


def check_spec(desk: Desk, path: str) -> ToolResult:
    """Check a spec, alone and among the other specs: every error, open question and warning.

    Args:
        path: The spec file, relative to the work tree.
    """
    loaded = load(desk, path)
    report, _ = checked(desk, loaded)
    counts = [(len(report.errors), "error"), (len(report.questions), "open question")]
    said = ", ".join(f"{n} {word}{'' if n == 1 else 's'}" for n, word in counts)
    return shaped(desk, "check", f"{loaded.path}: {said}\n{listed(report)}".rstrip(), tail=0.2)
