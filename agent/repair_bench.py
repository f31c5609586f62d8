"""What a repair works with: the tools of the model in the worktree, under guard."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from pydantic import ConfigDict, create_model

from agent.acting import Toolbox
from agent.guarding import Guard, GuardedToolbox
from agent.model.base import Block
from agent.permissions import Permissions
from agent.prompting import system_for
from agent.repair_job import Job
from agent.talk import ToolCall
from agent.telling import Tell, Telling, about
from agent.toolbox import Decision, DeskToolbox
from tools.catalog import Tool, catalog
from tools.desk import Desk, ToolResult
from tools.findings import Report
from tools.secrets import redact
from tools.suites.base import SuiteRun
from tools.suites.protected import Protection
from tools.workspace import STATE, Workspace

GIVEN = (
    "read_file list_files search write_file edit_file delete_file git_status git_diff shell".split()
)
_EVIDENCE = 1_500
_TOLD = (
    "Run all tests of the project on your changes, from a clean start. Takes no input. Gives what "
    "fails, with evidence."
)


class Work(Protocol):
    """The part of a repair that its tools need."""

    guard: Guard
    protection: Protection
    refused: list[str]
    tell: Tell

    job: Job

    def measured(self) -> SuiteRun:
        """All tests on what the model left."""
        ...


@dataclass(frozen=True)
class RepairBench:
    """Prompt and tools of a repair."""

    system: tuple[Block, ...]
    toolbox: Toolbox


@contextmanager
def bench_for(work: Work) -> Iterator[RepairBench]:
    """Sets up the tools of a repair, and ends what they kept running.

    Raises:
        UsageError: a permission rule of the settings is wrong.
    """
    top = work.guard.top
    desk = Desk(top, Workspace(top), top / STATE / "outputs", refuses=work.protection.refuses)
    tools = {name: tool for name, tool in catalog().items() if name in GIVEN}
    tools["run_tests"] = tests_tool(work)
    rules = work.job.settings.permissions
    permissions = Permissions(
        "edit",
        allow=rules.allow,
        ask=rules.ask,
        deny=rules.deny,
        root=top,
        protects=work.protection.refuses,
    )
    permissions.expect_known([*catalog(), *tools])
    telling = Telling(work.tell)

    def refused(call: ToolCall, why: str) -> None:
        work.refused.append(f"{call.name} {about(call)}: {why}")
        telling.refused(call, why)

    def decided(decision: Decision) -> None:
        if decision.outcome in ("denied", "unanswered"):
            refused(decision.call, decision.why)

    inner = DeskToolbox(desk, tools, permissions, redact=redact, decided=decided)
    try:
        yield RepairBench(
            system_for("repair_project"), GuardedToolbox(inner, work.guard, desk.seen, refused)
        )
    finally:
        inner.close()


def tests_tool(work: Work) -> Tool:
    """The tool that runs the tests of the project at hand."""

    def run_tests(_desk: Desk) -> ToolResult:
        run = work.measured()
        return ToolResult(f"{run.says}\n{_listed(run)}".strip(), is_error=False)

    arguments = create_model("run_tests", __config__=ConfigDict(extra="forbid", strict=True))
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    return Tool("run_tests", _TOLD, schema, "run", run_tests, arguments)


def _listed(run: SuiteRun) -> str:
    lines = []
    for finding in Report.of(run.findings):
        lines.append(str(finding))
        lines += [f"    {line}" for line in finding.evidence[:_EVIDENCE].splitlines()]
    return "\n".join(lines)
