"""What nodes work with besides the state: clients, clock and display; never saved."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.config import Settings
from agent.limits import Spent
from agent.model.base import Model
from agent.nodes.specs import roots_of, upstream
from agent.recording import FILE as RECORDING
from agent.recording import Recorder
from agent.state import RunState
from agent.terminal.progress import Progress
from agent.trace import Trace
from tools.errors import NeedsModel, WaitsForPerson
from tools.findings import Finding
from tools.rules.article import Constitution
from tools.rules.load import load_constitution
from tools.spec.load import LoadedSpec
from tools.spec.model import Spec
from tools.workflow_model import Workflow
from tools.workspace import Workspace, read_text

if TYPE_CHECKING:
    from tools.repo import Repo
    from tools.verify.worker import DbtWorker

SPENT = "spent.json"
"""In the folder of a run: what its conversations have used."""

Update = dict[str, Any]
"""The keys of the state that a node changes."""


class Waits(WaitsForPerson):
    """The run stops at this node until a person has acted, and then begins it again.

    Args:
        message: what it waits for.
        remedy: what the person can do.
        findings: what they should know for it.
        gate: for a gate: ``what`` is approved, of which ``subject``, with which ``sha256``.
    """

    def __init__(
        self,
        message: str,
        remedy: str,
        findings: Sequence[Finding] = (),
        gate: dict[str, str] | None = None,
    ) -> None:
        super().__init__(message, remedy)
        self.findings = tuple(findings)
        self.gate = gate or {}

    def to_json(self) -> dict[str, Any]:
        """What is kept in the checkpoint."""
        return {
            "message": self.message,
            "remedy": self.remedy,
            "findings": [finding.to_json() for finding in self.findings],
            "gate": self.gate,
        }


@dataclass
class Context:
    """Everything that a node may use and that is not part of what a run knows.

    Args:
        workspace: where the person works.
        settings: as read once.
        workflow: the path of this run, bound to the spec.
        loaded: the spec of this run, resolved.
        neighbours: the other specs that share models with it.
        worker: the warm dbt, started when the run began.
        trace: the record on disk.
        progress: the display.
        clock: the time.
        repo: the git checkout around the workspace, if there is one.
        model: makes the model that authors and repairs; ``None`` where none is to be used.
        secrets: texts that nobody may see, such as the values of keys.
        spent: USD that other runs of the same call have used.
    """

    workspace: Workspace
    settings: Settings
    workflow: Workflow
    loaded: LoadedSpec
    neighbours: tuple[LoadedSpec, ...]
    worker: DbtWorker
    trace: Trace
    progress: Progress
    clock: Callable[[], datetime]
    repo: Repo | None = None
    model: Callable[[], Model] | None = None
    secrets: tuple[str, ...] = ()
    spent: float = 0.0
    details: dict[str, str] = field(default_factory=dict)
    extras: dict[str, Any] = field(default_factory=dict)
    """What tools of a model keep for the length of the run, such as a dbt of their own."""
    cancel: threading.Event = field(default_factory=threading.Event)
    lacking: NeedsModel | None = None
    """Why there is no model, once it was asked for."""

    @property
    def others(self) -> dict[str, Spec]:
        """The specs of models that other pipelines make, by model name."""
        return {
            model.name: loaded.spec for loaded in self.neighbours for model in loaded.spec.models
        }

    @cached_property
    def upstream(self) -> tuple[LoadedSpec, ...]:
        """The neighbours whose models this spec reads, directly or through others."""
        return upstream(self.loaded, self.neighbours)

    @cached_property
    def constitution(self) -> Constitution:
        """The constitution in force."""
        return load_constitution(self.workspace.constitution)

    def close(self) -> None:
        """Ends what the tools of a model kept running."""
        for extra in self.extras.values():
            close = getattr(extra, "close", None)
            if close is not None:
                close()
        self.extras.clear()

    @property
    def folder(self) -> Path:
        """The folder of the run."""
        return self.trace.path.parent

    def spending(self) -> Spent:
        """What the conversations of this run have used, in this process and before."""
        file = self.folder / SPENT
        return Spent.from_json(json.loads(read_text(file))) if file.is_file() else Spent()

    @cached_property
    def author(self) -> Recorder | None:
        """The model, everything it is asked and answers kept; ``None`` without a model."""
        if self.model is None:
            return None
        try:
            inner = self.model()
        except NeedsModel as error:
            self.lacking = error
            return None
        return Recorder(inner, self.folder / RECORDING, self.secrets)

    @property
    def roots(self) -> tuple[Path, ...]:
        """The folders in which data files are looked for, besides the spec's own."""
        return roots_of(self.workspace, self.settings)

    def tree(self, state: RunState) -> Path:
        """The root of the files that the run writes: a work tree, or the workspace itself."""
        return self.workspace.root / state.get("tree", ".")

    def say(self, node: str, text: str, **data: Any) -> None:
        """Notes what a node is busy with, on the screen and in the trace."""
        self.progress.say(text)
        self.trace.write("note", node, text=text, **data)

    def summarise(self, node: str, text: str) -> None:
        """Sets the line that stands for the node once it is done."""
        self.details[node] = text


def stopped(exit_code: int, reason: str, remedy: str = "") -> Update:
    """The update of a node that ends the run."""
    return {"stop": {"exit_code": exit_code, "reason": reason, "remedy": remedy}}
