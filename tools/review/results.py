"""What a run found, as markdown and as counts; from the JSON of ``tools.verify`` outcomes. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tools.findings import Finding, Report, Severity
from tools.review.tables import coarse, code, count, fenced, prose, table

_PASSED = frozenset({"pass", "success"})
_KINDS = ("model", "seed", "source", "unit_test", "test")
_TEST_KINDS = frozenset({"test", "unit_test"})
_LOCAL = "DEV"  # findings on the development database of this machine: not of the code
_SHOWN = 20  # failures and findings with their evidence; the others are counted


@dataclass(frozen=True)
class Results:
    """An outcome, read once: findings by weight, tiers and nodes in the order of the run."""

    report: Report
    tiers: tuple[Mapping[str, Any], ...]
    nodes: tuple[Mapping[str, Any], ...]
    not_run: tuple[str, ...]

    @staticmethod
    def of(outcome: Mapping[str, Any]) -> Results:
        """The results in the JSON of an outcome; parts that are missing are empty."""
        return Results(
            Report.of(
                f
                for f in Report.from_json(outcome.get("report", ()))
                if not f.code.startswith(_LOCAL)
            ),
            tuple(outcome.get("tiers", ())),
            tuple(outcome.get("nodes", ())),
            tuple(outcome.get("not_run", ())),
        )

    def tests(self) -> tuple[int, int]:
        """How many dbt tests passed, of how many."""
        tests = [node for node in self.nodes if node["kind"] in _TEST_KINDS]
        return sum(node["status"] in _PASSED for node in tests), len(tests)

    def tests_in_words(self) -> str:
        """``23 tests pass``, ``21 of 23 tests pass``."""
        passed, tests = self.tests()
        if not tests:
            return "no tests were run"
        if passed == tests:
            return f"{count(tests, 'test')} {'passes' if tests == 1 else 'pass'}"
        return f"{passed} of {tests} tests pass"

    @property
    def failures(self) -> tuple[Mapping[str, Any], ...]:
        """The nodes that neither passed nor were skipped."""
        fine = {*_PASSED, "skipped", "no-op"}
        return tuple(node for node in self.nodes if node["status"] not in fine)

    def ran(self, tier: str) -> bool | None:
        """Whether a tier held; None when it did not run."""
        return next((bool(t["ok"]) for t in self.tiers if t["name"] == tier), None)

    @property
    def ok(self) -> bool:
        """Whether something ran and everything that ran holds."""
        return bool(self.tiers) and all(t["ok"] for t in self.tiers) and self.report.ok


def tiers(results: Results, previous: str) -> str:
    """The tiers as a table; ``previous`` is the page of the last run, whose durations are kept."""
    said = dict(re.findall(r"^\| `(\w+)` \| .* \| ((?:under|over) [^|]+?) \|$", previous, re.M))
    rows = [
        (
            code(tier["name"]),
            "holds" if tier["ok"] else "**fails**",
            prose(tier["summary"]),
            coarse(float(tier["seconds"]), said.get(tier["name"], "")),
        )
        for tier in results.tiers
    ]
    return table(("tier", "result", "what", "time"), rows) if rows else "Nothing was run."


def nodes(results: Results) -> str:
    """How many dbt nodes of each kind ended how, as a table; empty when dbt did not run."""
    counts = Counter((node["kind"], _status(node["status"])) for node in results.nodes)
    kinds = [kind for kind in _KINDS if any(kind == k for k, _ in counts)]
    kinds += sorted({kind for kind, _ in counts} - set(_KINDS))
    heads = ("passed", "warned", "failed", "skipped")
    rows = [(prose(kind), *(str(counts[kind, head]) for head in heads)) for kind in kinds]
    return table(("dbt", *heads), rows) if rows else ""


def _status(status: str) -> str:
    if status in _PASSED:
        return "passed"
    return {"warn": "warned", "skipped": "skipped", "no-op": "skipped"}.get(status, "failed")


def failures(results: Results) -> Iterator[str]:
    """The nodes that did not pass, each with its message, in blocks."""
    failed = sorted(results.failures, key=lambda n: (n["kind"], n["name"]))
    for node in failed[:_SHOWN]:
        where = (
            f", of {code(node['model'])}" if node["model"] and node["model"] != node["name"] else ""
        )
        yield f"- {code(node['name'])} ({prose(node['kind'])}{where}): **{prose(node['status'])}**"
        if node["message"].strip():
            yield fenced(node["message"])
    if len(failed) > _SHOWN:
        yield f"- and {len(failed) - _SHOWN} more that did not pass"


def findings(found: Sequence[Finding]) -> Iterator[str]:
    """Findings as a table, then the evidence of errors, in blocks."""
    if not found:
        return
    rows = [
        (
            finding.severity.value,
            code(finding.code),
            code(str(finding.location)) if finding.location else code(finding.subject),
            prose(finding.message),
            prose(finding.hint),
        )
        for finding in found
    ]
    yield table(("weight", "code", "where", "what", "what to do"), rows)
    shown = [f for f in found if f.severity is Severity.ERROR and f.evidence.strip()][:_SHOWN]
    for finding in shown:
        about = f" about {code(finding.subject)}" if finding.subject else ""
        yield f"Evidence for {code(finding.code)}{about}:"
        yield fenced(finding.evidence)
