"""What a run of a project's tests comes to, whichever program ran them."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from tools.errors import ProgramMissing
from tools.findings import Finding
from tools.shell import Completed, run

Kind = Literal["dbt", "pytest"]
Status = Literal["passed", "failed", "error", "skipped", "missing"]
PROBES = Path(__file__).parent / "probes"

_NEVER_PASSED = ("ANTHROPIC_", "SPECMILL_")


@dataclass(frozen=True)
class SuiteRun:
    """One run of all tests of a project.

    Args:
        kind: the program that ran them.
        ok: whether that program says that nothing failed.
        tests: every test by its name, and what became of it.
        findings: what failed, with evidence.
        marks: a digest of what each test demands; empty where that cannot be told.
        rows: of each relation that was built, by name; empty for pytest.
        broken: relations that could not be built.
        seconds: wall-clock time.
    """

    kind: Kind
    ok: bool
    tests: Mapping[str, Status] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    marks: Mapping[str, str] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    broken: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def says(self) -> str:
        """Such as ``12 tests: 10 passed, 2 failed``."""
        count: Counter[str] = Counter(self.tests.values())
        parts = [f"{count[s]} {s}" for s in ("passed", "failed", "error", "skipped") if count[s]]
        number = f"{len(self.tests)} test{'' if len(self.tests) == 1 else 's'}"
        broken = f"; {len(self.broken)} not built" if self.broken else ""
        return (f"{number}: {', '.join(parts)}" if parts else number) + broken

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return {
            "kind": self.kind,
            "ok": self.ok,
            "says": self.says,
            "tests": dict(self.tests),
            "rows": dict(self.rows),
            "broken": list(self.broken),
            "findings": [finding.to_json() for finding in self.findings],
            "seconds": round(self.seconds, 3),
        }


class Suite(Protocol):
    """The tests of one project, as they can be run in a work tree."""

    @property
    def kind(self) -> Kind:
        """The program that runs them."""
        ...

    @property
    def where(self) -> str:
        """What they run with and against, in one line for a person."""
        ...

    def run(self) -> SuiteRun:
        """Runs all of them, from a clean start.

        Raises:
            ProgramMissing: they cannot be run at all.
        """
        ...


@dataclass(frozen=True)
class Place:
    """Where the tests of a project run.

    Args:
        origin: the project's folder in the person's checkout; only read.
        project: the same folder in the work tree.
        top: the top folder of the work tree.
        private: a folder for whatever a run leaves, outside of the work tree.
        environ: the person's environment; little of it is passed on.
        passes: names of variables that the person passes on to the tests.
        timeout: seconds for one run.
    """

    origin: Path
    project: Path
    top: Path
    private: Path
    environ: Mapping[str, str]
    passes: tuple[str, ...] = ()
    timeout: float = 1800.0

    def environment(self, names: Sequence[str] = ()) -> dict[str, str]:
        """The variables that are passed on, by name; a key of specmill's own never is."""
        wanted = {*self.passes, *names}
        return {
            name: value
            for name, value in self.environ.items()
            if name in wanted and not name.startswith(_NEVER_PASSED)
        }


def pythons(place: Place) -> list[str]:
    """Interpreters that a project may mean, the most likely first."""
    tops = [place.origin, *place.origin.parents]
    around = next((top for top in tops if (top / ".git").exists()), place.origin)
    folders = [folder for folder in tops if folder.is_relative_to(around)]
    found = [folder / name / "bin" / "python" for folder in folders for name in (".venv", "venv")]
    if active := place.environ.get("VIRTUAL_ENV"):
        found.append(Path(active) / "bin" / "python")
    known = [str(path) for path in found if path.is_file() and os.access(path, os.X_OK)]
    named = (shutil.which(name, path=place.environ.get("PATH")) for name in ("python3", "python"))
    return list(dict.fromkeys([*known, *(name for name in named if name)]))


def probe(
    argv: Sequence[str], request: Mapping[str, Any], place: Place, env: Mapping[str, str]
) -> tuple[dict[str, Any] | None, Completed]:
    """Runs a program that answers a JSON file with a JSON file.

    Returns:
        Its answer, or None if it gave none, and what it printed.

    Raises:
        ProgramMissing: it did not end in time, or the disk refuses.
    """
    place.private.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryDirectory(dir=place.private) as folder:
        asked, answered = Path(folder) / "request.json", Path(folder) / "answer.json"
        asked.write_text(json.dumps(request), encoding="utf-8")
        done = run(
            [*argv, str(asked), str(answered)], cwd=place.project, timeout=place.timeout, env=env
        )
        if done.timed_out:
            raise ProgramMissing(
                f"the tests did not end within {place.timeout:g} s and were stopped",
                "give them more time: --timeout SECONDS",
            )
        if not answered.is_file():
            return None, done
        return json.loads(answered.read_text(encoding="utf-8")), done
