"""A plugin of pytest that writes down what became of each test; loaded by name, needs nothing.

The environment names the file to write, and the folders from which no code may come.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

_ANSWER = "SPECMILL_PROBE_ANSWER"
_FOREIGN = "SPECMILL_PROBE_FOREIGN"
_OWN = "SPECMILL_PROBE_OWN"
_RANK = {"passed": 0, "skipped": 1, "failed": 2, "error": 3}


class Probe:
    """Hears the reports of one session."""

    def __init__(self) -> None:
        self.tests: dict[str, str] = {}
        self.failures: list[dict[str, Any]] = []

    def pytest_collection_finish(self, session: Any) -> None:
        """Every test that was collected."""
        for item in session.items:
            self.tests.setdefault(item.nodeid, "missing")

    def pytest_collectreport(self, report: Any) -> None:
        """A file that cannot be collected."""
        if report.failed:
            self._fail(report, "collect")

    def pytest_runtest_logreport(self, report: Any) -> None:
        """A phase of a test."""
        outcome = "passed" if hasattr(report, "wasxfail") else report.outcome
        if report.failed and report.when != "call":
            outcome = "error"
        before = self.tests.get(report.nodeid, "missing")
        if before == "missing" or _RANK[outcome] > _RANK[before]:
            self.tests[report.nodeid] = outcome
        if report.failed:
            self._fail(report, report.when)

    def pytest_sessionfinish(self, session: Any, exitstatus: int) -> None:
        """The end."""
        answer = {
            "exit": int(exitstatus),
            "tests": self.tests,
            "failures": self.failures,
            "foreign": _foreign(),
        }
        if not hasattr(session.config, "workerinput"):
            Path(os.environ[_ANSWER]).write_text(json.dumps(answer), encoding="utf-8")

    def _fail(self, report: Any, when: str) -> None:
        crash = getattr(report.longrepr, "reprcrash", None)
        self.failures.append(
            {
                "nodeid": report.nodeid,
                "when": when,
                "message": str(getattr(crash, "message", "")),
                "path": str(getattr(crash, "path", "")),
                "line": int(getattr(crash, "lineno", 0) or 0),
                "text": report.longreprtext,
                "output": "\n".join(content for _, content in report.sections)[-4000:],
                "frames": _frames(report.longrepr),
            }
        )


def _frames(longrepr: Any) -> list[list[Any]]:
    """Files and lines of the traceback, outermost first."""
    entries = getattr(getattr(longrepr, "reprtraceback", None), "reprentries", [])
    places = (getattr(entry, "reprfileloc", None) for entry in entries)
    return [[str(place.path), int(place.lineno)] for place in places if place]


def _foreign() -> list[str]:
    """Files of modules that came from a checkout that is not the one under test."""
    foreign, own = (os.path.realpath(os.environ[name]) + os.sep for name in (_FOREIGN, _OWN))
    found = []
    for module in list(sys.modules.values()):
        file = os.path.realpath(getattr(module, "__file__", None) or "/")
        inside = file.startswith(foreign) and not file.startswith(own)
        if inside and "site-packages" not in file:
            found.append(file)
    return sorted(found)


def pytest_configure(config: Any) -> None:
    """Begins to listen."""
    config.pluginmanager.register(Probe(), "specmill-probe")
