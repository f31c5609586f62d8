"""Repair of a project with failing tests, with or without specs, in a worktree of its own.

What it ends with is what the last run of the tests said, held against the run before it; what the
model says of its work decides nothing.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from agent.config import KEY_VARIABLE
from agent.evidence import Proof, signature, weigh
from agent.guarding import Guard
from agent.limits import Spent
from agent.loop import converse
from agent.model.base import ContextTooLong, Json, Model, ModelUnreachable
from agent.models import limits_from
from agent.prompting import findings_text
from agent.recording import FILE as RECORDING
from agent.recording import Recorder
from agent.repair_bench import RepairBench, bench_for
from agent.repair_job import Job, Outcome
from agent.talk import Conversation
from agent.telling import Tell, Telling
from tools.errors import BudgetSpent, NeedsModel, ProgramMissing, SpecmillError
from tools.findings import Finding, Severity
from tools.repo import Repo
from tools.repo_changes import (
    commit_of,
    difference,
    drop_ignored,
    make_branch,
    move_branch,
    remove_worktree,
    rescue,
)
from tools.suites.base import Place, Suite, SuiteRun
from tools.suites.dbt import DbtSuite
from tools.suites.find import Project, find_project
from tools.suites.protected import Protection
from tools.suites.pytest import PytestSuite
from tools.workspace import run_lock

_SHOWN = 15
_AS_IT_WAS = "The checkout as the repair began, with what was not committed"


def repair_project(job: Job, model_of: Callable[[], Model], tell: Tell) -> Outcome:
    """Repairs the failing tests of a project.

    Args:
        job: what is asked for.
        model_of: gives the model, when there is something to repair.
        tell: is told what happens.

    Raises:
        SpecmillError: the tests cannot be found or run, or there is no git repository.
    """
    project = find_project(job.folder, job.kind)
    repo = Repo.open(project.folder)
    if repo is None:
        raise ProgramMissing(
            f"{project.folder} is not in a git repository, and a repair ends on a branch",
            "make it one: git init && git add -A && git commit",
        )
    with run_lock(job.workspace.state, "repair"), _tree(job, project, repo) as tree:
        work = _Work(job, project, repo, tree, tell)
        return work.outcome(model_of)


@dataclass(frozen=True)
class _Tree:
    """A worktree and where it began."""

    top: Path
    project: Path
    branch: str
    base: str
    uncommitted: bool
    kept: list[bool] = field(default_factory=list)


@contextmanager
def _tree(job: Job, project: Project, repo: Repo) -> Iterator[_Tree]:
    """A worktree for the time of a repair; its branch stays if something was committed to it."""
    work = job.workspace.state / "work"
    for stale in sorted(path for path in work.glob("repair-*") if path.is_dir()):
        rescue(project.folder, stale)
        shutil.rmtree(_private(job, stale.name), ignore_errors=True)
    base, name = commit_of(project.folder, _AS_IT_WAS), _free_name(job, repo)
    branch = f"{job.settings.branch_prefix}{name}"
    make_branch(project.folder, branch, base)
    made = repo.worktree(branch, (work / name).absolute())
    tree = _Tree(made.path, made.root, branch, base, uncommitted=base != repo.head())
    try:
        yield tree
    finally:
        remove_worktree(project.folder, tree.top, "" if tree.kept else branch)
        shutil.rmtree(_private(job, name), ignore_errors=True)


def _private(job: Job, name: str) -> Path:
    """Where runs of the tests leave what they make: copies of databases, compiled SQL."""
    return job.workspace.state / "repair" / name


def _free_name(job: Job, repo: Repo) -> str:
    stem, number = f"repair-{job.clock():%m%d-%H%M}", 1
    while repo.branch_tip(
        f"{job.settings.branch_prefix}{stem}{'' if number == 1 else f'-{number}'}"
    ):
        number += 1
    return stem if number == 1 else f"{stem}-{number}"


class _Work:
    """One repair under way."""

    def __init__(self, job: Job, project: Project, repo: Repo, tree: _Tree, tell: Tell) -> None:
        self.job, self.project, self.repo, self.tree, self.tell = job, project, repo, tree, tell
        self.protection = Protection.of(project.kind, tree.project, tree.top)
        self.guard = Guard(tree.top, tree.base, self.protection)
        self.suite = self._suite()
        self.refused: list[str] = []
        self.spent = Spent()
        self.said = ""
        self.rounds = 0

    def _suite(self) -> Suite:
        place = Place(
            origin=self.project.folder,
            project=self.tree.project,
            top=self.tree.top,
            private=_private(self.job, self.tree.top.name),
            environ=self.job.environ,
            passes=self.job.passes,
            timeout=self.job.timeout,
        )
        if self.project.kind == "dbt":
            return DbtSuite.of(place, self.job.target)
        return PytestSuite.of(place)

    def outcome(self, model_of: Callable[[], Model]) -> Outcome:
        """Runs the tests, repairs what fails, and says how it ended."""
        self.tell(self._begins())
        before = self.suite.run()
        self._ran(before)
        nothing = weigh(before, before)
        if before.ok:
            what = before.says if before.tests else "there are no tests, and everything builds"
            return self._ended(nothing, 0, f"nothing to repair: {what}")
        try:
            return self._repaired(before, self._recorded(model_of()))
        except NeedsModel as error:
            return self._ended(nothing, error.exit_code, error.message, error.remedy)
        except KeyboardInterrupt:
            kept = self._ended(nothing, 130, "interrupted").branch
            self.tell({"event": "interrupted", "branch": kept, "base": self.tree.base})
            raise

    def _recorded(self, model: Model) -> Model:
        """The model, with what it is asked and answers kept on disk; never with the key."""
        file = self.job.workspace.state / "repairs" / self.tree.top.name / RECORDING
        key = self.job.environ.get(KEY_VARIABLE, "").strip()
        return Recorder(model, file, [key] if key else [])

    def _repaired(self, before: SuiteRun, model: Model) -> Outcome:
        proof, stop = weigh(before, before), None
        talk, seen = Conversation(), {signature(before.findings)}
        again = False
        with bench_for(self) as bench:
            while not proof.ok and not stop and not again and self.rounds < self.job.rounds:
                talk.say(_told(proof, self.rounds, self.suite))
                stop = self._converse(model, talk, bench)
                self.rounds += 1
                proof = weigh(before, self.measured())
                mark = signature(proof.findings)
                again = mark in seen
                seen.add(mark)
        return self._concluded(proof, stop, again=again)

    def _converse(
        self, model: Model, talk: Conversation, bench: RepairBench
    ) -> SpecmillError | None:
        """One conversation; the error that ended it early, if one did."""
        limits = limits_from(self.job.settings)
        try:
            ended = converse(
                model,
                talk,
                bench.system,
                bench.toolbox,
                limits,
                spent=self.spent,
                watch=Telling(self.tell),
                cancel=threading.Event(),
            )
        except (BudgetSpent, ContextTooLong, ModelUnreachable) as error:
            return error
        self.said = ended.text
        if ended.reason == "done":
            return None
        return SpecmillError(f"the model {ended.reason}: {ended.detail or ended.text}")

    def measured(self) -> SuiteRun:
        """All tests on what the model left, from a clean start."""
        undone = self.guard.restore()
        self.refused += [f"{path}: {why}" for path, why in undone.items()]
        drop_ignored(self.tree.top)
        try:
            found = self.suite.run()
        except ProgramMissing as error:
            finding = Finding("RUN001", Severity.ERROR, error.message, hint=error.remedy)
            found = SuiteRun(self.suite.kind, ok=False, findings=(finding,))
        self._ran(found)
        return found

    def _concluded(self, proof: Proof, stop: SpecmillError | None, *, again: bool) -> Outcome:
        number = len(proof.findings)
        left = f"{number} finding{'' if number == 1 else 's'} left"
        if proof.ok:
            return self._ended(proof, 0, f"repaired: {proof.after.says}")
        if stop is not None:
            code = stop.exit_code if isinstance(stop, BudgetSpent | ModelUnreachable) else 1
            code = 5 if isinstance(stop, ContextTooLong) else code
            return self._ended(proof, code, f"not repaired, {left}: {stop.message}", stop.remedy)
        if again:
            reason = f"not repaired, {left}: the same findings came back"
            return self._ended(proof, 1, reason, "what is missing is knowledge: look at them")
        reason = f"not repaired, {left} after {self.rounds} rounds"
        return self._ended(proof, 5, reason, "look at them, or give it more: --rounds N")

    def _ended(self, proof: Proof, code: int, reason: str, remedy: str = "") -> Outcome:
        tree = self.tree
        done = Outcome(
            self.project,
            code,
            reason,
            remedy,
            self.suite.where,
            proof,
            tree.uncommitted,
            base=tree.base,
            said=self.said,
            refused=tuple(dict.fromkeys(self.refused)),
            rounds=self.rounds,
            spent=self.spent,
        )
        return self._committed(done)

    def _committed(self, done: Outcome) -> Outcome:
        """Keeps what was changed on the branch, whether it helped or not, and says so there."""
        tree = self.tree
        self.guard.restore()
        head = (
            f"Repair the {self.project.kind} tests" if done.exit_code == 0 else "Unfinished repair"
        )
        body = "\n\n".join(part for part in (head, done.reason, done.said) if part)
        commit = commit_of(tree.top, body, onto=tree.base)
        if commit == tree.base:
            return done
        move_branch(tree.top, tree.branch, commit)
        tree.kept.append(True)
        return replace(
            done,
            branch=tree.branch,
            diff=difference(tree.top, tree.base, commit),
            stat=difference(tree.top, tree.base, commit, stat=True),
        )

    def _begins(self) -> Json:
        project = self.project
        return {
            "event": "repair",
            "kind": project.kind,
            "because": project.because,
            "also": project.also,
            "where": self.suite.where,
            "uncommitted": self.tree.uncommitted,
            "branch": self.tree.branch,
        }

    def _ran(self, run: SuiteRun) -> None:
        self.tell({"event": "tests", "round": self.rounds, **run.to_json()})


def _told(proof: Proof, rounds: int, suite: Suite) -> str:
    """What the model is told at the beginning of a round."""
    findings = proof.findings[:_SHOWN]
    more = len(proof.findings) - len(findings)
    head = (
        f"The tests of this {suite.kind} project fail ({proof.after.says})."
        if rounds == 0
        else f"The tests ran again from a clean start ({proof.after.says}). It is not mended yet."
    )
    rest = f"\n\n{more} more findings are not shown; run_tests shows them." if more else ""
    return f"{head}\n\n{findings_text(findings)}{rest}"
