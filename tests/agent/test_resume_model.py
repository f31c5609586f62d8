"""Killed between any two things, a run with a model goes on: same files, nothing done twice."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agent.nodes import working
from agent.trace import read_trace
from tests.agent.kill_at import EFFECTS, MODEL, SPEC, SQL, engine_at
from tests.agent.support import CASES, environment, write_workflow

pytestmark = pytest.mark.slow

PLACES = [
    *(("asking", n) for n in range(1, 6)),
    *(("answered", n) for n in range(1, 6)),
    *(("calling", n) for n in range(1, 3)),
    *(("acted", n) for n in range(1, 3)),
    *(("saving", n) for n in (1, 3, 5, 7, 9)),
    *(("saved", n) for n in (1, 3, 5, 7, 9)),
]


@pytest.fixture(autouse=True)
def _prose(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(CASES / "prose.yaml", workspace / SPEC)
    steps = ["name: plan, kind: plan", "name: generate, kind: generate"]
    write_workflow(workspace, "build-pipeline", steps)
    file = workspace / "workflows" / "build-pipeline.md"
    tools = "allowed-tools: [read_file, list_files, write_file]"
    file.write_text(file.read_text().replace("steps:", f"{tools}\nsteps:", 1))
    monkeypatch.setattr(working, "_given", working._given)
    monkeypatch.setattr(working._Kept, "save", working._Kept.save)


def made(root: Path) -> dict[str, str]:
    files = [*(root / "generated").rglob("*"), root / "specmill.lock"]
    return {f.relative_to(root).as_posix(): f.read_text() for f in files if f.is_file()}


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, dict[str, str]]:
    """What every one of these runs has to make; filled by the first."""
    return {}


@pytest.mark.parametrize(("place", "number"), PLACES)
def test_kill_and_resume(
    workspace: Path, undisturbed: dict[str, dict[str, str]], place: str, number: int
) -> None:
    argv = [sys.executable, "-m", "tests.agent.kill_at", str(workspace), place, str(number)]
    done = subprocess.run(
        argv, cwd=workspace, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    result = engine_at(workspace).resume("last")
    assert result.exit_code == 0
    assert (workspace / MODEL).read_text() == SQL
    assert (workspace / EFFECTS).read_text().splitlines() == [MODEL]
    assert undisturbed.setdefault("made", made(workspace)) == made(workspace)


def test_an_undisturbed_run_makes_the_same(
    workspace: Path, undisturbed: dict[str, dict[str, str]]
) -> None:
    result = engine_at(workspace).start(SPEC)
    assert result.exit_code == 0
    assert undisturbed.setdefault("made", made(workspace)) == made(workspace)
    events = [
        e["event"] for t in workspace.glob(".specmill/runs/*/trace.jsonl") for e in read_trace(t)
    ]
    assert (events.count("call"), events.count("result")) == (3, 3)
