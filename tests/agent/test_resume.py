"""A run that is killed in any step goes on from there and ends with the same bytes."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from agent.trace import read_trace
from tests.agent.support import git, start

SPEC = "specs/orders.yaml"
STEPS = ["plan", "generate", "test", "review", "commit"]

pytestmark = pytest.mark.slow


def wait_for(root: Path, event: str, node: str, process: subprocess.Popen[str]) -> None:
    """Until the trace of the only run says so."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        for trace in (root / ".specmill" / "runs").glob("*/trace.jsonl"):
            for found in read_trace(trace):
                if (found["event"], found.get("node", "")) == (event, node):
                    return
        if process.poll() is not None:
            break
        time.sleep(0.005)
    raise AssertionError(f"no {event} of {node}: {process.communicate()}")


def made(root: Path) -> dict[str, str]:
    """What the branch holds: paths and contents, durations left out."""
    branch = "specmill/orders"
    paths = git(root, "ls-tree", "-r", "--name-only", branch).splitlines()
    texts = {path: git(root, "show", f"{branch}:{path}") for path in paths}
    return {path: re.sub(r"(under|over) \d+ \w+", "", text) for path, text in texts.items()}


@pytest.fixture(scope="module")
def undisturbed() -> dict[str, dict[str, str]]:
    """What a run makes that nobody kills; filled by the first test."""
    return {}


def finish(root: Path, *args: str) -> None:
    process = start("run", *args, cwd=root)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 0, said


@pytest.mark.parametrize(
    ("event", "node"),
    [*(("start", node) for node in STEPS), ("end", "generate"), ("end", "commit")],
)
def test_kill_and_resume(
    workspace: Path, undisturbed: dict[str, dict[str, str]], event: str, node: str
) -> None:
    process = start("run", SPEC, cwd=workspace)
    wait_for(workspace, event, node, process)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    finish(workspace, "--resume", "last")
    result = made(workspace)
    assert undisturbed.setdefault("run", result) == result
    begun = [
        event["node"]
        for trace in (workspace / ".specmill" / "runs").glob("*/trace.jsonl")
        for event in read_trace(trace)
        if event["event"] == "start"
    ]
    before = STEPS.index(node)
    assert begun[: before + 1] == STEPS[: before + 1]
    # The signal may come when the next step has just begun: then that one begins twice.
    late = [*STEPS[before + 1 : before + 2], *STEPS[before + 1 :]]
    assert begun[before + 1 :] in (STEPS[before:], STEPS[before + 1 :], late)
    assert int(git(workspace, "rev-list", "--count", "HEAD..specmill/orders")) == 1


def test_an_undisturbed_run_makes_the_same(
    workspace: Path, undisturbed: dict[str, dict[str, str]]
) -> None:
    finish(workspace, SPEC)
    result = made(workspace)
    assert undisturbed.setdefault("run", result) == result
    tip = git(workspace, "rev-parse", "specmill/orders")
    finish(workspace, SPEC)
    assert git(workspace, "rev-parse", "specmill/orders") == tip, "the same spec, a new commit"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_run_says_how_to_resume(workspace: Path, number: signal.Signals) -> None:
    process = start("run", SPEC, "--json", cwd=workspace)
    wait_for(workspace, "start", "test", process)
    process.send_signal(number)
    out, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "interrupted; resume with: specmill run --resume orders-" in said
    assert "Traceback" not in said
    last = json.loads(out.splitlines()[-1])
    assert last["event"] == "interrupted"
    finish(workspace, "--resume", last["resume"].split()[-1])
