"""The tests of a dbt project: a build by the project's own dbt, on the project's own profile."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tools.errors import ProgramMissing
from tools.shell import run
from tools.suites.base import PROBES, Place, Status, SuiteRun, probe, pythons
from tools.suites.dbt_evidence import findings_of, name_of
from tools.suites.dbt_profile import Profile, load_profile, variables_of

_SAMPLE = 5
_STATUS: dict[str, Status] = {
    "pass": "passed",
    "success": "passed",
    "warn": "passed",
    "fail": "failed",
    "error": "error",
    "runtime error": "error",
    "skipped": "skipped",
}
_STORED = ("model", "seed", "snapshot")


@dataclass(frozen=True)
class DbtSuite:
    """A dbt project.

    Args:
        place: where it is.
        python: the interpreter that has its dbt.
        profile: its connection.
        passes: variables that the project asks for.
    """

    place: Place
    python: str
    profile: Profile
    passes: tuple[str, ...] = ()
    kind: Literal["dbt"] = field(default="dbt", init=False)

    @staticmethod
    def of(place: Place, target: str = "") -> DbtSuite:
        """The suite of a project.

        Raises:
            ProgramMissing: no interpreter has dbt.
            UsageError: see :func:`tools.suites.dbt_profile.load_profile`.
            WaitsForPerson: see there.
        """
        python = _python_with_dbt(place)
        profile = load_profile(place, target)
        return DbtSuite(place, python, profile, _variables(place, profile))

    @property
    def where(self) -> str:
        """What the tests run with and against."""
        return f"dbt build, {self.profile.says}"

    def run(self) -> SuiteRun:
        """Builds and tests everything, from a fresh copy of the database.

        Raises:
            ProgramMissing: dbt broke down, or did not end in time.
        """
        started = time.monotonic()
        self._bring_packages()
        self.profile.refresh()
        request = {
            "project": str(self.place.project),
            "profiles": str(self.profile.folder),
            "target": self.profile.target,
            "target_path": str(self.place.private / "target"),
            "log_path": str(self.place.private / "logs"),
            "samples": _SAMPLE,
        }
        file = PROBES / "specmill_dbt_probe.py"
        answer, done = probe([self.python, str(file)], request, self.place, self.environment())
        if answer is None:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise ProgramMissing(
                f"dbt broke down: {said[-1] if said else f'exit code {done.code}'}",
                f"run dbt build in {self.place.origin} and mend what it says",
            )
        return run_of(answer, self.place, time.monotonic() - started)

    def environment(self) -> dict[str, str]:
        """What dbt gets to see of the person's environment."""
        dbt = [name for name in self.place.environ if name.startswith("DBT_ENV_")]
        return {
            **self.place.environment((*self.passes, *dbt)),
            "DO_NOT_TRACK": "1",
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def _bring_packages(self) -> None:
        """Packages are installed in the checkout and ignored by git; they are needed here too."""
        for name in ("dbt_packages", "dbt_modules"):
            there, here = self.place.origin / name, self.place.project / name
            if there.is_dir() and not here.exists() and there != here:
                shutil.copytree(there, here, symlinks=True)


def run_of(answer: Mapping[str, Any], place: Place, seconds: float) -> SuiteRun:
    """The answer of the probe as a run."""
    nodes: Mapping[str, Any] = answer["nodes"]
    status = {r["unique_id"]: _STATUS.get(r["status"], "error") for r in answer["results"]}
    own = [uid for uid in answer["tests"] if uid in nodes]
    tests: dict[str, Status] = {name_of(uid, nodes): status.get(uid, "missing") for uid in own}
    built = {uid: s for uid, s in status.items() if uid.partition(".")[0] in _STORED}
    findings = findings_of(answer, place.project, place.project.relative_to(place.top))
    marks = {name_of(uid, nodes): nodes[uid]["mark"] for uid in own}
    return SuiteRun(
        kind="dbt",
        ok=not answer["error"] and not any(s in ("failed", "error") for s in status.values()),
        tests=tests,
        findings=findings,
        marks=marks,
        rows={name_of(uid, nodes): number for uid, number in answer.get("rows", {}).items()},
        broken=tuple(name_of(uid, nodes) for uid, s in built.items() if s != "passed"),
        seconds=seconds,
    )


def _variables(place: Place, profile: Profile) -> tuple[str, ...]:
    names = {*variables_of(place.origin), *variables_of(profile.folder)}
    return tuple(sorted(names))


def _python_with_dbt(place: Place) -> str:
    """The first interpreter that has dbt: the project's, the active one, that of the dbt on the
    PATH, and at last specmill's own.

    Raises:
        ProgramMissing: none has.
    """
    beside = shutil.which("dbt", path=place.environ.get("PATH"))
    candidates = pythons(place)
    if beside and (Path(beside).resolve().parent / "python").is_file():
        candidates.insert(0, str(Path(beside).parent / "python"))
    for python in (*candidates, sys.executable):
        if _has_dbt(python, place):
            return python
    raise ProgramMissing("no Python with dbt was found", "install dbt where the project expects it")


def _has_dbt(python: str, place: Place) -> bool:
    if python == sys.executable:
        return True
    code = (
        "import sys, importlib.util as u; "
        "sys.exit(not (u.find_spec('dbt') and u.find_spec('dbt.cli')))"
    )
    try:
        return run([python, "-I", "-c", code], cwd=place.origin, timeout=60).code == 0
    except ProgramMissing:
        return False
