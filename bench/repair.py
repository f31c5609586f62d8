"""Tokens that ``specmill repair`` sends per task, and the share that a prompt cache would serve.

The projects are those of the tests, broken in one way each; a scripted service on the loopback
interface does what a model would, with a look around before the change and a run of the tests
after it. It counts tokens as a prompt cache would, at four bytes each.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from agent.model.base import Usage
from agent.model.scripted import call, calls, say
from bench.measure import ROOT, Failed, Table, beside, environment
from tests.agent.shop import FILES, make_project
from tests.cases import load
from tests.messages_server import KEY, MessagesServer, Step

_CASES = ROOT / "tests" / "agent" / "cases" / "repair.yaml"
_HEADS = ("task", "requests", "tokens sent", "from cache", "share", "written", "$", "s")


def measure(*, quick: bool) -> Table:
    """Repairs each broken project once."""
    cases = load(_CASES)[: 1 if quick else None]
    rows = []
    with tempfile.TemporaryDirectory(prefix="specmill-bench-") as folder:
        for number, case in enumerate(cases):
            rows.append(_row(case, Path(folder) / str(number)))
    note = (
        "Each task is one broken dbt project of two seeds, two models and five tests: read two "
        "files, change one, run the tests, end. Seconds are mostly three builds by a real dbt."
    )
    return Table("Repair", _HEADS, tuple(rows), (note,))


def _row(case: dict[str, Any], folder: Path) -> tuple[str, ...]:
    broken = FILES[case["file"]].replace(case["good"], case["broken"])
    root = make_project(folder / "shop", {case["file"]: broken})
    started = time.perf_counter()
    with MessagesServer(_steps(case)) as server:
        ended = _repair(root, server.url)
    server.check()
    seconds = time.perf_counter() - started
    usage = Usage(**ended["spent"]["usage"])
    return (
        case["name"],
        str(len(server.requests)),
        f"{usage.context:,}",
        f"{usage.cache_read:,}",
        f"{usage.cache_read / usage.context:.0%}",
        f"{usage.output:,}",
        f"{ended['spent']['money']:.4f}",
        f"{seconds:.1f}",
    )


def _steps(case: dict[str, Any]) -> tuple[Step, ...]:
    return (
        calls(
            ("read_file", {"path": case["file"]}),
            ("read_file", {"path": "models/schema.yml"}),
            text="I look at the model and at what is tested.",
        ),
        call("edit_file", path=case["file"], old=case["broken"], new=case["good"]),
        call("run_tests"),
        say("The change before was wrong; it is as it was, and all tests pass."),
    )


def _repair(root: Path, url: str) -> dict[str, Any]:
    env = environment(ANTHROPIC_API_KEY=KEY, ANTHROPIC_BASE_URL=url)
    done = subprocess.run(
        [beside("specmill"), "repair", "--json"],
        cwd=root,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Failed(f"specmill repair ended with {done.returncode}:\n{done.stdout[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found
