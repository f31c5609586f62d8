"""Assembles runs: loads the spec, chooses the path, opens the trace, walks the graph."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from agent.config import Settings
from agent.graph import Ended, read_state, run_graph
from agent.model.base import Model
from agent.nodes.context import Context
from agent.nodes.specs import load_resolved, neighbours, roots_of, spec_files
from agent.result import Result, result_of
from agent.runs import CHECKPOINTS, find_run, new_run, trace_file
from agent.state import GRAPH_VERSION, RunState
from agent.terminal.progress import Progress
from agent.trace import Event, Trace
from tools.errors import ProgramMissing, SpecmillError, UsageError
from tools.lock import LOCK, LockFile, on_disk
from tools.repo import Repo
from tools.rules.engine import Subject, gates
from tools.rules.load import load_constitution
from tools.spec.load import LoadedSpec
from tools.spec.part import digest
from tools.spec.suggest import did_you_mean
from tools.workflow import choose, load_workflows
from tools.workflow_model import Workflow, WorkflowStep
from tools.workflow_steps import GateStep
from tools.workspace import Workspace, read_text, run_lock
from tools.workspace_write import write_atomic

if TYPE_CHECKING:
    from tools.verify.worker import DbtWorker


BEGAN = "began.json"
"""In the folder of a run: what it began with."""


@dataclass
class Engine:
    """What the runs of one call share.

    Args:
        workspace: where they work.
        settings: as read once, flags included.
        worker: the warm dbt.
        progress: makes a display for a run.
        echo: is given every event after it is on disk.
        clock: the time.
        model: makes the model that authors and repairs; ``None`` to use none.
        secrets: texts that no model, recording or trace may hold.
    """

    workspace: Workspace
    settings: Settings
    worker: DbtWorker
    progress: Callable[[], Progress]
    echo: Callable[[Event], None] | None = None
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))
    model: Callable[[], Model] | None = None
    secrets: tuple[str, ...] = ()
    spent: float = 0.0
    """USD that the runs of this call have used so far."""

    @property
    def roots(self) -> tuple[Path, ...]:
        """The folders in which data files are looked for."""
        return roots_of(self.workspace, self.settings)

    def start(
        self, spec: Path, *, began: Callable[[str], None] = lambda _: None, name: str = ""
    ) -> Result:
        """Runs a spec from the beginning.

        Args:
            spec: its file.
            began: is told the id of the run once it can be resumed.
            name: the id of the run, for a replay; a new one if empty.

        Raises:
            SpecmillError: it could not begin, or a node failed; see the error's exit code.
        """
        loaded = load_resolved(spec, self.workspace, self.roots)
        self._check_target(loaded)
        workflow = self._workflow(loaded)
        repo = self._repo()
        with run_lock(self.workspace.state, f"run {loaded.spec.pipeline}"):
            run = name or new_run(self.workspace, loaded.spec.pipeline, self.clock())
            state: RunState = {
                "run": run,
                "graph_version": GRAPH_VERSION,
                "spec": self._relative(loaded),
                "target": self.settings.target,
                "level": self.settings.level,
                "commit": self.settings.commit,
                "workflow": workflow.name,
                "path": _path_digest(workflow),
                "pipeline": loaded.spec.pipeline,
                "version": loaded.spec.version,
                "digest": loaded.digest,
            }
            self._note_beginning(run, loaded, repo)
            with self._context(run, loaded, workflow, repo) as context:
                context.trace.write(
                    "run",
                    run=run,
                    spec=state["spec"],
                    pipeline=loaded.spec.pipeline,
                    digest=loaded.digest,
                    workflow=workflow.name,
                    target=state["target"],
                    specmill=_own_version(),
                )
                began(run)
                return self._walk(context, state, run)

    def resume(self, name: str, *, began: Callable[[str], None] = lambda _: None) -> Result:
        """Goes on with a run where it stands; one that is over is only shown again.

        Raises:
            UsageError: no such run, or its spec, its workflow or specmill changed since.
            SpecmillError: a node failed.
        """
        run = find_run(self.workspace, name)
        with run_lock(self.workspace.state, f"run {run}"):
            before = read_state(self.workspace.state / CHECKPOINTS, run).state
            self.settings = self.settings.with_flags(
                target=before["target"], level=before["level"], commit=before["commit"]
            )
            loaded = load_resolved(self.workspace.root / before["spec"], self.workspace, self.roots)
            if before["digest"] != loaded.digest:
                raise UsageError(
                    f"{before['spec']} changed since run {run} began",
                    f"start it anew: specmill run {before['spec']}",
                )
            workflow = self._workflow(loaded, before["workflow"])
            if _path_digest(workflow) != before["path"]:
                raise UsageError(
                    f"the workflow {workflow.name} or the gates of the constitution changed "
                    f"since run {run} began",
                    f"start it anew: specmill run {before['spec']}",
                )
            with self._context(run, loaded, workflow, self._repo()) as context:
                context.trace.write("resume", run=run)
                began(run)
                return self._walk(context, None, run)

    def _note_beginning(self, run: str, loaded: LoadedSpec, repo: Repo | None) -> None:
        """Keeps what a replay needs to begin where this run did."""
        root = self.workspace.root
        branch = f"{self.settings.branch_prefix}{loaded.spec.pipeline}"
        texts = {self._relative(loaded): read_text(loaded.file)}
        if repo is None:
            files = LockFile.load(root).files
            authored = (path for path, file in files.items() if file.origin == "authored")
            found = {path: on_disk(root, path) for path in (LOCK, *authored)}
            texts |= {path: text for path, text in found.items() if text is not None}
        began = {
            "now": self.clock().isoformat(),
            "head": repo.head() or "" if repo else "",
            "branch": branch,
            "tip": repo.branch_tip(branch) or "" if repo else "",
            "texts": texts,
        }
        file = trace_file(self.workspace, run).with_name(BEGAN).relative_to(root).as_posix()
        write_atomic(root, file, json.dumps(began, ensure_ascii=False))

    def _walk(self, context: Context, state: RunState | None, run: str) -> Result:
        try:
            ended = run_graph(context, state, run, self.workspace.state / CHECKPOINTS)
        except SpecmillError as error:
            context.trace.write("done", exit_code=error.exit_code, reason=error.message)
            raise
        result = result_of(ended.state, ended.waits)
        context.trace.write("done", exit_code=result.exit_code, reason=result.reason)
        return result

    @contextmanager
    def _context(
        self, run: str, loaded: LoadedSpec, workflow: Workflow, repo: Repo | None
    ) -> Iterator[Context]:
        def load(file: Path) -> LoadedSpec:
            return load_resolved(file, self.workspace, self.roots)

        near = neighbours(loaded, spec_files(self.workspace), load)
        trace = Trace(trace_file(self.workspace, run), self.clock, self.echo)
        with trace, self.progress() as progress:
            context = Context(
                workspace=self.workspace,
                settings=self.settings,
                workflow=workflow,
                loaded=loaded,
                neighbours=near,
                worker=self.worker,
                trace=trace,
                progress=progress,
                clock=self.clock,
                repo=repo,
                model=self.model,
                secrets=self.secrets,
                spent=self.spent,
            )
            before = context.spending().money
            try:
                with closing(context):
                    yield context
            finally:
                self.spent += context.spending().money - before

    def _repo(self) -> Repo | None:
        """The git checkout, which a run that commits cannot do without."""
        repo = Repo.open(self.workspace.root) if self.settings.commit else None
        if repo is None and self.settings.commit:
            raise ProgramMissing(
                f"{self.workspace.root} is not in a git repository, and a run ends in a commit",
                "make it one with `git init`, or run with --no-commit",
            )
        return repo

    def _workflow(self, loaded: LoadedSpec, name: str = "") -> Workflow:
        workflows = load_workflows(self.workspace.workflows)
        wanted = name or self.settings.workflow or None
        workflow = choose(workflows, loaded.spec, requested=wanted).workflow
        return with_gates(workflow, self.workspace, loaded, self.clock().date())

    def _check_target(self, loaded: LoadedSpec) -> None:
        known = ["duckdb", *loaded.spec.targets]
        if self.settings.target not in known:
            raise UsageError(
                f"{loaded.path} has no target {self.settings.target}",
                did_you_mean(self.settings.target, dict.fromkeys(known)),
            )

    def _relative(self, loaded: LoadedSpec) -> str:
        inside = loaded.file.is_relative_to(self.workspace.root)
        return loaded.path if inside else str(loaded.file)


def with_gates(
    workflow: Workflow, workspace: Workspace, loaded: LoadedSpec, today: date
) -> Workflow:
    """The workflow with the gates that the constitution asks of this spec, where it says."""
    constitution = load_constitution(workspace.constitution)
    wanted = gates(constitution, Subject(loaded=loaded, plan=None, artifacts=(), today=today))
    steps: list[WorkflowStep] = []
    for step in workflow.steps:
        for gate in wanted:
            if gate.before == step.kind:
                options = GateStep(
                    name=f"gate-{gate.id.lower().replace('.', '-')}", kind="gate", of=gate.what
                )
                steps.append(
                    WorkflowStep(options=options, title=gate.message, line=gate.location.line)
                )
        steps.append(step)
    return workflow.model_copy(update={"steps": tuple(steps)})


def _path_digest(workflow: Workflow) -> str:
    """What must not change under a run: its steps and what they say; a budget may be raised."""
    steps = [[s.options.model_dump(mode="json"), s.instructions] for s in workflow.steps]
    return digest([workflow.name, workflow.allowed_tools, steps])


def _own_version() -> str:
    try:
        return version("specmill")
    except PackageNotFoundError:
        return "unreleased"


__all__ = ["Ended", "Engine", "with_gates"]
