"""What can be said without writing anything: check, plan, dry run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.config import Settings
from agent.nodes.plan import lint_all, open_questions
from agent.nodes.specs import load_resolved, neighbours, roots_of, spec_files
from tools.artifact import sha256_text
from tools.errors import InputError, UsageError
from tools.findings import Finding, Report
from tools.generate.base import generate
from tools.lock import bases, drift, on_disk
from tools.lock_file import LockFile
from tools.plan import Plan, make_plan
from tools.repo import Repo
from tools.rules.load import load_constitution
from tools.spec.graph import lint_platform
from tools.spec.lint import lint
from tools.spec.load import LoadedSpec
from tools.spec.model import Spec
from tools.workflow import lint as lint_workflow
from tools.workflow import load_workflows
from tools.workspace import Workspace


@dataclass(frozen=True)
class Checked:
    """What a check found, and how much it looked at."""

    report: Report
    counts: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """The JSON document of ``specmill check``."""
        findings = self.report.to_json()
        return {"ok": self.report.ok, "counts": self.counts, "findings": findings}


@dataclass(frozen=True)
class Planned:
    """A plan, or why there is none."""

    plan: Plan | None
    report: Report
    questions: tuple[Finding, ...]

    def to_json(self) -> dict[str, Any]:
        """The JSON document of ``specmill plan``."""
        return {
            "ok": self.plan is not None,
            "plan": self.plan.to_json() if self.plan else None,
            "findings": self.report.to_json(),
            "questions": [question.to_json() for question in self.questions],
        }


@dataclass(frozen=True)
class DryRun(Planned):
    """A plan with what would become of each file: ``new``, ``changed``, ``same``, ``edited``."""

    files: tuple[tuple[str, str], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The JSON document of ``specmill run --dry-run``."""
        files = [{"path": path, "change": change} for path, change in self.files]
        return {**super().to_json(), "files": files}


def check_workspace(workspace: Workspace, settings: Settings) -> Checked:
    """Every spec, the constitution, every workflow."""
    specs, findings = _load_all(spec_files(workspace), workspace, settings)
    makers = {model.name: loaded.spec for loaded in specs for model in loaded.spec.models}
    for loaded in specs:
        findings += [*loaded.notes, *lint(loaded, _without(makers, loaded.spec))]
    findings += lint_platform(specs)
    rules, workflows = 0, 0
    try:
        constitution = load_constitution(workspace.constitution)
        rules = len(constitution.rules)
        findings += constitution.notes
    except InputError as error:
        findings += error.findings
    try:
        found = load_workflows(workspace.workflows)
        workflows = len(found)
        findings += [f for workflow in found.values() for f in lint_workflow(workflow)]
    except InputError as error:
        findings += error.findings
    counts = {"specs": len(spec_files(workspace)), "rules": rules, "workflows": workflows}
    return Checked(Report.of(findings), counts)


def check_specs(workspace: Workspace, settings: Settings, files: Sequence[Path]) -> Checked:
    """Some specs, alone and among their neighbours.

    Raises:
        UsageError: there is no such file.
    """
    specs, findings = _load_all(files, workspace, settings)
    for loaded in specs:
        near = _near(loaded, workspace, settings)
        findings += lint_all(loaded, near, _makers(near))
    return Checked(Report.of(findings), {"specs": len(files)})


def _load_all(
    files: Sequence[Path], workspace: Workspace, settings: Settings
) -> tuple[list[LoadedSpec], list[Finding]]:
    specs: list[LoadedSpec] = []
    findings: list[Finding] = []
    for file in files:
        try:
            specs.append(load_resolved(file, workspace, roots_of(workspace, settings)))
        except InputError as error:
            findings += error.findings
    return specs, findings


def _without(makers: dict[str, Spec], spec: Spec) -> dict[str, Spec]:
    return {name: maker for name, maker in makers.items() if maker is not spec}


def _makers(specs: Sequence[LoadedSpec]) -> dict[str, Spec]:
    return {model.name: loaded.spec for loaded in specs for model in loaded.spec.models}


def _near(loaded: LoadedSpec, workspace: Workspace, settings: Settings) -> tuple[LoadedSpec, ...]:
    def load(file: Path) -> LoadedSpec:
        return load_resolved(file, workspace, roots_of(workspace, settings))

    return neighbours(loaded, spec_files(workspace), load)


def plan_spec(workspace: Workspace, settings: Settings, file: Path) -> Planned:
    """The plan of a spec, if it lints without errors.

    Raises:
        InputError: it cannot be read as a spec.
    """
    loaded = load_resolved(file, workspace, roots_of(workspace, settings))
    near = _near(loaded, workspace, settings)
    report = lint_all(loaded, near, _makers(near))
    plan = None if report.errors else make_plan(loaded.spec, loaded.digest)
    return Planned(plan, report, open_questions(loaded, report))


def dry_run(workspace: Workspace, settings: Settings, file: Path) -> DryRun:
    """What a run would write, compared with the branch of the pipeline, else the workspace.

    Raises:
        InputError: it cannot be read as a spec.
        UsageError: it has no such target.
    """
    loaded = load_resolved(file, workspace, roots_of(workspace, settings))
    if settings.target not in {"duckdb", *loaded.spec.targets}:
        raise UsageError(f"{loaded.path} has no target {settings.target}")
    near = _near(loaded, workspace, settings)
    report = lint_all(loaded, near, _makers(near))
    questions = open_questions(loaded, report)
    if report.errors:
        return DryRun(None, report, questions)
    plan = make_plan(loaded.spec, loaded.digest)
    artifacts = generate(plan, loaded.spec, _makers(near))
    repo = Repo.open(workspace.root) if settings.commit else None
    branch = f"{settings.branch_prefix}{loaded.spec.pipeline}"
    lock = LockFile.load(workspace.root)
    history = repo.find_by_sha256 if repo else None
    edited = {
        d.path for d in drift(workspace.root, lock, artifacts, bases(workspace.root, history))
    }
    files = []
    for artifact in artifacts:
        before = repo.show(branch, artifact.path) if repo else None
        if before is None:
            before = on_disk(workspace.root, artifact.path)
        change = "new" if before is None else "changed"
        if before is not None and sha256_text(before) == artifact.sha256:
            change = "same"
        if artifact.path in edited and artifact.path in lock.files:
            change = "edited"
        files.append((artifact.path, change))
    return DryRun(plan, report, questions, tuple(files))
