"""The tests that pytest collects, run by the project's own Python on the code of the work tree."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tools.errors import ProgramMissing
from tools.findings import Finding, Location, Report, Severity
from tools.shell import run
from tools.suites.base import PROBES, Place, SuiteRun, pythons

_LINES = 70
_NO_TESTS = 5


@dataclass(frozen=True)
class PytestSuite:
    """A project with tests for pytest.

    Args:
        place: where it is.
        python: the interpreter that has its pytest.
    """

    place: Place
    python: str
    kind: Literal["pytest"] = field(default="pytest", init=False)

    @staticmethod
    def of(place: Place) -> PytestSuite:
        """The suite of a project.

        Raises:
            ProgramMissing: no interpreter has pytest.
        """
        for python in (*pythons(place), sys.executable):
            if _has_pytest(python, place):
                return PytestSuite(place, python)
        raise ProgramMissing(
            "no Python with pytest was found", "install pytest where the project expects it"
        )

    @property
    def where(self) -> str:
        """What the tests run with."""
        return f"pytest of {self.python}"

    def run(self) -> SuiteRun:
        """Runs all tests.

        Raises:
            ProgramMissing: pytest broke down, or did not end in time.
        """
        started = time.monotonic()
        self.place.private.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=self.place.private) as folder:
            answered = Path(folder) / "answer.json"
            done = run(
                self._argv(folder),
                cwd=self.place.project,
                timeout=self.place.timeout,
                env=self._environment(answered),
            )
            if done.timed_out:
                raise ProgramMissing(
                    f"the tests did not end within {self.place.timeout:g} s and were stopped",
                    "give them more time: --timeout SECONDS",
                )
            if not answered.is_file():
                said = (done.stderr.strip() or done.stdout.strip()).splitlines()
                raise ProgramMissing(
                    f"pytest broke down: {said[-1] if said else f'exit code {done.code}'}",
                    f"run python -m pytest in {self.place.origin} and mend what it says",
                )
            answer = json.loads(answered.read_text(encoding="utf-8"))
        return run_of(answer, self.place, time.monotonic() - started)

    def _argv(self, folder: str) -> list[str]:
        return [
            *(self.python, "-m", "pytest", "-p", "specmill_pytest_probe"),
            *("-q", "--maxfail=0", "--color=no", "-o", f"cache_dir={folder}/cache"),
            f"--rootdir={self.place.project}",
        ]

    def _environment(self, answered: Path) -> dict[str, str]:
        """The code of the work tree comes before any that is installed from the checkout."""
        project, top = self.place.project, self.place.top
        folders = [p for p in (project / "src", project, top / "src", top) if p.is_dir()]
        path = [*folders, PROBES, self.place.environ.get("PYTHONPATH", "")]
        return {
            **self.place.environment(),
            "PYTHONPATH": os.pathsep.join(dict.fromkeys(str(p) for p in path if str(p))),
            "PYTHONDONTWRITEBYTECODE": "1",
            "SPECMILL_PROBE_ANSWER": str(answered),
            "SPECMILL_PROBE_FOREIGN": str(_top_of(self.place)),
            "SPECMILL_PROBE_OWN": str(top),
        }


def run_of(answer: Mapping[str, Any], place: Place, seconds: float) -> SuiteRun:
    """The answer of the probe as a run."""
    findings = [_finding(failure, place) for failure in answer["failures"]]
    if answer["foreign"]:
        files = "\n".join(answer["foreign"])
        findings.append(
            Finding(
                "PYT003",
                Severity.ERROR,
                "the tests import code of the checkout instead of the copy that is repaired",
                hint="the tests have to import the package from their own folder",
                evidence=files,
            )
        )
    ran = answer["exit"] in (0, _NO_TESTS)
    return SuiteRun(
        kind="pytest",
        ok=ran and not findings,
        tests=answer["tests"],
        findings=Report.of(findings).findings,
        seconds=seconds,
    )


def _finding(failure: Mapping[str, Any], place: Place) -> Finding:
    lines = [line for line in failure["message"].splitlines() if line.strip()]
    said = f": {lines[0].strip()}" if lines else ""
    collecting = failure["when"] == "collect"
    what = "cannot be collected" if collecting else "fails"
    what = f"fails in its {failure['when']}" if failure["when"] in ("setup", "teardown") else what
    text = failure["text"].splitlines()
    shown = [f"... {len(text) - _LINES} lines before"] if len(text) > _LINES else []
    shown += text[-_LINES:]
    if failure["output"].strip():
        shown += ["what it printed:", *failure["output"].strip().splitlines()[-_LINES // 3 :]]
    return Finding(
        "PYT002" if collecting else "PYT001",
        Severity.ERROR,
        f"{failure['nodeid'] or 'a file'} {what}{said}",
        _where(failure, place),
        evidence="\n".join(shown),
        subject=failure["nodeid"],
    )


def _where(failure: Mapping[str, Any], place: Place) -> Location | None:
    """The innermost line of the work tree's own code."""
    frames = [(failure["path"], failure["line"]), *reversed(failure["frames"])]
    for name, line in frames:
        path = place.project / name if name else place.top
        if name and path.is_file() and path.resolve().is_relative_to(place.top.resolve()):
            return Location(path.resolve().relative_to(place.top.resolve()).as_posix(), int(line))
    return None


def _has_pytest(python: str, place: Place) -> bool:
    if python == sys.executable:
        return True
    code = "import sys, importlib.util as u; sys.exit(not u.find_spec('pytest'))"
    try:
        return run([python, "-I", "-c", code], cwd=place.origin, timeout=60).code == 0
    except ProgramMissing:
        return False


def _top_of(place: Place) -> Path:
    """The top of the person's checkout."""
    around = (p for p in (place.origin, *place.origin.parents) if (p / ".git").exists())
    return next(around, place.origin)
