"""What a run comes to: its exit code, why, what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agent.state import RunState
from tools.findings import Finding, Report, Severity
from tools.plan import Plan


@dataclass(frozen=True)
class Result:
    """The end of a run, or the place where it waits.

    Args:
        state: what the run knows.
        exit_code: see the list of ``specmill --help``.
        reason: why it did not end with 0; empty if it did.
        remedy: what to do about it.
        findings: what a person should look at: what the newest check found, or what it waits for.
        questions: everything that is open, with its assumption as the hint.
        waits: what it waits for, as ``agent.nodes.context.Waits.to_json`` gives it.
    """

    state: RunState
    exit_code: int
    reason: str
    remedy: str
    findings: Report
    questions: tuple[Finding, ...]
    waits: Mapping[str, Any]

    @property
    def ok(self) -> bool:
        """Whether everything that was asked for holds."""
        return self.exit_code == 0

    def to_json(self) -> dict[str, Any]:
        """The JSON document of a run."""
        return {
            "ok": self.ok,
            "exit_code": self.exit_code,
            "reason": self.reason,
            "remedy": self.remedy,
            "findings": self.findings.to_json(),
            "questions": [finding.to_json() for finding in self.questions],
            "gate": dict(self.waits.get("gate", {})),
            "state": dict(self.state),
        }


_KEY = "set a key in your environment: export ANTHROPIC_API_KEY=..."
_YOURSELF = "or write it yourself and name it in the spec (custom: {sql_file: custom/models/...})"


def result_of(state: RunState, waits: Mapping[str, Any]) -> Result:
    """The result that a state amounts to.

    Args:
        state: as the graph left it.
        waits: what the graph waits for; empty if it does not.
    """
    found = Report.from_json(state.get("findings", [])) + refusals_of(state)
    questions = tuple(Finding.from_json(question) for question in state.get("questions", []))
    exit_code, reason, remedy = _verdict(state, waits, found)
    if waits:
        found = Report.from_json(waits["findings"]) + refusals_of(state)
    return Result(state, exit_code, reason, remedy, found, questions, waits)


def _verdict(state: RunState, waits: Mapping[str, Any], found: Report) -> tuple[int, str, str]:
    if waits:
        return 3, str(waits["message"]), str(waits["remedy"])
    stop = state.get("stop")
    if stop:
        return stop["exit_code"], stop["reason"], stop["remedy"]
    if found.errors:
        number = len(found.errors)
        return 1, f"{number} error{'' if number == 1 else 's'}", "see the findings"
    undone = missing(state)
    if undone:
        reason = f"{undone[0]} needs a model{_more(undone)}; everything compiled is kept"
        return 4, reason, f"{state.get('lacking') or _KEY}; {_YOURSELF}"
    return 0, "", ""


def _more(undone: tuple[str, ...]) -> str:
    return f", and {len(undone) - 1} more" if len(undone) > 1 else ""


def missing(state: RunState) -> tuple[str, ...]:
    """What only a model could have made: files of the plan, and agent steps of the workflow."""
    steps = Plan.from_json(state["plan"]).authored if "plan" in state else ()
    there = {f["path"] for f in state.get("files", []) if f["change"] != "removed"}
    paths = (step.path for step in steps if step.path not in there)
    return (*paths, *state.get("undone", ()))


def refusals_of(state: RunState) -> Report:
    """What a model tried and was refused: a person should know, whatever came of the run."""
    return Report.of(
        Finding(
            "MODEL001",
            Severity.WARNING,
            f"the model was refused: {refusal['what']}",
            hint=refusal["why"],
            subject=refusal["task"],
        )
        for refusal in state.get("refusals", [])
    )
