"""The runs of a workspace: their names, their folders, how each stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from agent.trace import read_trace
from tools.errors import UsageError
from tools.workspace import Workspace

CHECKPOINTS = "runs.sqlite"
"""The file of all checkpoints, below the state folder."""


@dataclass(frozen=True)
class RunRecord:
    """A run as its trace tells it.

    Args:
        run: its id.
        spec: path of the spec.
        began: ISO 8601.
        exit_code: as of its newest end; ``None`` if it was interrupted.
        reason: why it ended so.
        node: the last step that began.
    """

    run: str
    spec: str
    began: str
    exit_code: int | None
    reason: str
    node: str

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return dict(self.__dict__)


def runs_folder(workspace: Workspace) -> Path:
    """The folder that holds one folder a run."""
    return workspace.state / "runs"


def trace_file(workspace: Workspace, run: str) -> Path:
    """The trace of a run."""
    return runs_folder(workspace) / run / "trace.jsonl"


def new_run(workspace: Workspace, pipeline: str, now: datetime) -> str:
    """Claims a new id, such as ``dim_order-1122-0153``, and makes its folder."""
    folder = runs_folder(workspace)
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{pipeline}-{now:%m%d-%H%M}"
    number = 1
    while True:
        run = stem if number == 1 else f"{stem}-{number}"
        try:
            (folder / run).mkdir()
        except FileExistsError:
            number += 1
        else:
            return run


def list_runs(workspace: Workspace) -> tuple[RunRecord, ...]:
    """All runs, newest first."""
    folder = runs_folder(workspace)
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    records = [_record(workspace, name) for name in names]
    return tuple(sorted((r for r in records if r), key=lambda r: (r.began, r.run), reverse=True))


def find_run(workspace: Workspace, name: str) -> str:
    """The id that a person means: itself, the only one it begins, or ``last``.

    Raises:
        UsageError: no run or several are meant.
    """
    run = meant(name, [record.run for record in list_runs(workspace)])
    if not run:
        raise UsageError(f"there is no run {name} in this workspace", "specmill runs lists them")
    return run


def meant(name: str, known: Sequence[str]) -> str:
    """The id among those known, newest first, that a person means; empty if none.

    Raises:
        UsageError: several begin so.
    """
    if name == "last" and known:
        return known[0]
    found = [one for one in known if one.startswith(name)]
    if name in known or len(found) == 1:
        return name if name in known else found[0]
    if found:
        raise UsageError(f"{name} may be any of {', '.join(found[:5])}", "give the whole name")
    return ""


def _record(workspace: Workspace, run: str) -> RunRecord | None:
    events = list(read_trace(trace_file(workspace, run)))
    first = next((event for event in events if event.get("event") == "run"), None)
    if first is None:
        return None
    starts = [event.get("node", "") for event in events if event.get("event") == "start"]
    last = events[-1] if events[-1].get("event") == "done" else {}
    return RunRecord(
        run=run,
        spec=str(first.get("spec", "")),
        began=str(first.get("ts", "")),
        exit_code=last.get("exit_code"),
        reason=str(last.get("reason", "")),
        node=starts[-1] if starts else "",
    )
