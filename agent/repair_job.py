"""What a repair is asked for, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agent.config import Settings
from agent.evidence import Proof
from agent.limits import Spent
from tools.suites.base import Kind
from tools.suites.find import Project
from tools.workspace import Workspace


@dataclass(frozen=True)
class Job:
    """What is asked for.

    Args:
        folder: of the project.
        workspace: where state is kept.
        settings: limits, permissions and branch prefix count.
        environ: the person's environment.
        kind: what tests to run where there are two kinds.
        target: the dbt target that the person named.
        passes: variables that are passed on to the tests.
        rounds: how often the tests run after a repair, at most.
        timeout: seconds for one run of the tests.
        clock: the time.
    """

    folder: Path
    workspace: Workspace
    settings: Settings
    environ: Mapping[str, str]
    kind: Kind | None = None
    target: str = ""
    passes: tuple[str, ...] = ()
    rounds: int = 4
    timeout: float = 1800.0
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))


@dataclass(frozen=True)
class Outcome:
    """How a repair ended.

    Args:
        project: what was repaired.
        exit_code: see the design; from the last run of the tests.
        reason: why it ended, in one sentence.
        remedy: what to do about it.
        where: what the tests ran with and against.
        proof: the last run, held against the first.
        uncommitted: whether changes of the checkout that are not committed took part.
        branch: where the result is; empty if there is none.
        base: the commit that it began with.
        diff: from base to result.
        stat: its statistics.
        said: the last words of the model.
        refused: what the model tried and was not let do, with why.
        rounds: how often the tests ran after a repair.
        spent: tokens, money, seconds.
    """

    project: Project
    exit_code: int
    reason: str
    remedy: str
    where: str
    proof: Proof
    uncommitted: bool
    branch: str = ""
    base: str = ""
    diff: str = ""
    stat: str = ""
    said: str = ""
    refused: tuple[str, ...] = ()
    rounds: int = 0
    spent: Spent = field(default_factory=Spent)

    @property
    def merge(self) -> str:
        """The command that brings the result into the checkout; empty without a result."""
        if not self.branch:
            return ""
        if self.uncommitted:
            return f"git diff --binary {self.base[:12]} {self.branch} | git apply"
        return f"git merge {self.branch}"

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return {
            "ok": self.exit_code == 0,
            "exit_code": self.exit_code,
            "reason": self.reason,
            "remedy": self.remedy,
            "kind": self.project.kind,
            "where": self.where,
            "proof": self.proof.to_json(),
            "uncommitted": self.uncommitted,
            "branch": self.branch,
            "base": self.base,
            "merge": self.merge,
            "diff": self.diff,
            "stat": self.stat,
            "said": self.said,
            "refused": list(self.refused),
            "rounds": self.rounds,
            "spent": self.spent.to_json(),
        }
