"""A git repository, processes and JSON lines, for the tests of the agent."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent.config import Settings
from agent.run import Engine
from agent.terminal.console import make_console
from agent.terminal.progress import Progress
from tools.verify.worker import DbtWorker
from tools.workspace import Workspace

CASES = Path(__file__).parent / "cases"
REPO = Path(__file__).resolve().parents[2]


def git(root: Path, *args: str) -> str:
    """What git says in a folder."""
    done = subprocess.run(
        ["git", "-C", str(root), *args], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def environment() -> dict[str, str]:
    """The environment for a specmill in a process of its own."""
    return {**os.environ, "PYTHONPATH": str(REPO), "PYTHONWARNINGS": "error"}


def start(*args: str, cwd: Path, **variables: str) -> subprocess.Popen[str]:
    """A specmill in a process of its own, with further variables in its environment."""
    return subprocess.Popen(
        [sys.executable, "-m", "agent", *args],
        cwd=cwd,
        env=environment() | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def lines(text: str) -> list[dict[str, Any]]:
    """JSON lines."""
    return [json.loads(line) for line in text.splitlines()]


def make_engine(root: Path, *, echo: Any = None, **settings: Any) -> Engine:
    """An engine whose dbt is not started before a step needs it."""
    workspace = Workspace(root)
    return Engine(
        workspace=workspace,
        settings=Settings().with_flags(**settings),
        worker=DbtWorker(workspace.state),
        progress=lambda: Progress(make_console(file=io.StringIO()), quiet=True),
        echo=echo,
        clock=lambda: datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
    )


def write_workflow(root: Path, name: str, steps: Sequence[str], *, budget: str = "") -> None:
    """A workflow of the workspace; the shipped ones then no longer count."""
    folder = root / "workflows"
    folder.mkdir(exist_ok=True)
    text = f"---\nname: {name}\ndescription: For a test.\n"
    text += f"budget: {budget}\n" if budget else ""
    text += "steps:\n" + "".join(f"  - {{{step}}}\n" for step in steps) + "---\n\n# It\n"
    (folder / f"{name}.md").write_text(text)
