"""What a tier found, in a line for people."""

from __future__ import annotations

from collections.abc import Sequence

from tools.findings import Report
from tools.verify.outcome import NodeResult, Strength, Verdict


def of_columns(verdicts: Sequence[Verdict], datasets: int) -> str:
    """Such as ``19 of 20 columns as the spec says, 13 data sets``."""
    if not verdicts:
        return "no column could be held against the spec"
    right = sum(v.kind == "TESTED" for v in verdicts)
    columns = count(len(verdicts), "column")
    rows = f", {count(datasets, 'data set')}" if datasets else ""
    return f"{right} of {columns} as the spec says{rows}"


def of_faults(strengths: Sequence[Strength]) -> str:
    """Such as ``98% of 390 planted faults told from the code``."""
    killed, survived = (sum(getattr(s, n) for s in strengths) for n in ("killed", "undecided"))
    left = sum(s.not_tried for s in strengths)
    rate = f"{killed / (killed + survived):.0%}" if killed + survived else "none"
    more = f", {left} not tried" if left else ""
    return f"{rate} of {count(killed + survived, 'planted fault')} told from the code{more}"


def of_nodes(nodes: Sequence[NodeResult]) -> str:
    """Such as ``14 of 14 models built, 106 of 106 tests pass``."""
    models = [n for n in nodes if n.kind == "model"]
    tests = [n for n in nodes if n.kind in ("test", "unit_test")]
    passed = sum(n.status == "pass" for n in tests)
    made = sum(n.status == "success" for n in models)
    return f"{made} of {count(len(models), 'model')} built, {passed} of {len(tests)} tests pass"


def of_report(report: Report) -> str:
    """Such as ``2 errors``."""
    return count(len(report.errors), "error") if report.errors else "no errors"


def count(number: int, noun: str) -> str:
    """Such as ``1 model``, ``2 models``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
