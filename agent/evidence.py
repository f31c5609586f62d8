"""Whether a repair is one: the last run of the tests, held against the run before it.

Tests that pass say little if there are fewer of them, if they demand something else, or if there
are no rows left that they could fail on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tools.findings import Finding, Report, Severity
from tools.suites.base import SuiteRun


@dataclass(frozen=True)
class Proof:
    """What shows that a repair works, or that it doesn't.

    Args:
        before: the run that failed.
        after: the last run.
        objections: what the tests do not see.
    """

    before: SuiteRun
    after: SuiteRun
    objections: tuple[Finding, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the tests pass and nothing speaks against it."""
        return self.after.ok and not self.objections

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What is still wrong."""
        return Report.of((*self.after.findings, *self.objections)).findings

    @property
    def rows(self) -> tuple[tuple[str, int | None, int | None], ...]:
        """Relations whose number of rows is another than before: name, before, after."""
        names = sorted({*self.before.rows, *self.after.rows})
        pairs = ((n, self.before.rows.get(n), self.after.rows.get(n)) for n in names)
        return tuple(pair for pair in pairs if pair[1] != pair[2])

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return {
            "ok": self.ok,
            "before": self.before.to_json(),
            "after": self.after.to_json(),
            "objections": [finding.to_json() for finding in self.objections],
            "rows": [{"name": n, "before": b, "after": a} for n, b, a in self.rows],
        }


def weigh(before: SuiteRun, after: SuiteRun) -> Proof:
    """Holds a run against the one before the repair."""
    found = (*_lost_tests(before, after), *_lost_rows(before, after))
    return Proof(before, after, Report.of(found).findings)


def signature(findings: Sequence[Finding]) -> str:
    """The same for the same findings, whatever order they came in."""
    lines = sorted(f"{f.code} {f.subject} {f.message} {f.evidence}" for f in findings)
    return hashlib.sha256("\n".join(lines).encode("utf-8", "replace")).hexdigest()


def _lost_tests(before: SuiteRun, after: SuiteRun) -> Iterator[Finding]:
    if not after.tests and not after.ok:
        return  # the project cannot be read now; that is said already
    for name, status in before.tests.items():
        now = after.tests.get(name)
        if now is None:
            yield _finding("REP001", f"the test {name} is gone", name)
        elif after.ok and status != "skipped" and now in ("skipped", "missing"):
            yield _finding("REP002", f"the test {name} ran before and does not run now", name)
        elif before.marks.get(name) != after.marks.get(name):
            yield _finding("REP003", f"the test {name} demands something else than before", name)


def _lost_rows(before: SuiteRun, after: SuiteRun) -> Iterator[Finding]:
    if not after.tests and not after.ok:
        return
    for name, number in before.rows.items():
        if number and after.rows.get(name) == 0:
            message = f"{name} lost all of its rows: {number:,} before, none now"
            yield _finding("REP004", message, name)
        elif name not in after.rows and name not in after.broken:
            yield _finding("REP005", f"{name} was built before and is not built now", name)
    for name in before.broken:
        if after.rows.get(name) == 0 and any(after.rows.values()):
            message = f"{name} is built now and has no rows; nothing shows that it should have none"
            yield _finding("REP006", message, name)


def _finding(code: str, message: str, subject: str) -> Finding:
    hint = "a check that has nothing left to look at passes and proves nothing"
    return Finding(code, Severity.ERROR, message, hint=hint, subject=subject)
