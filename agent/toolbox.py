"""The tools at work: who may call what, who is asked, what is kept for undo, what is told.

The loop asks it to run calls; it is the only way from a model to a tool.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from agent.model.base import Cancelled, Json
from agent.permissions import Permissions, Verdict
from agent.talk import ToolCall
from tools.catalog import Tool, catalog
from tools.desk import Desk, ToolError, ToolResult
from tools.errors import InternalError, SpecmillError

Outcome = Literal["allowed", "approved", "rejected", "denied", "unanswered"]


@dataclass(frozen=True)
class Approval:
    """A person's answer.

    Args:
        ok: whether the call may run.
        reason: what the model shall know, mostly why not.
        always: whether the same call may run unasked from now on.
    """

    ok: bool
    reason: str = ""
    always: bool = False


class Approver(Protocol):
    """Somebody who can be asked."""

    def approve(self, call: ToolCall, tool: Tool, preview: str, why: str) -> Approval:
        """Asks whether a call may run.

        Args:
            call: what the model asks for.
            tool: the tool it calls.
            preview: the change as a unified diff, or what would run; may be empty.
            why: the reason for asking.
        """
        ...


@dataclass(frozen=True)
class Decision:
    """What became of a call before it ran: for the record, and for the person's eyes."""

    call: ToolCall
    outcome: Outcome
    why: str
    rule: str = ""


class DeskToolbox:
    """Runs the calls of a model on a desk.

    Args:
        desk: where tools work.
        tools: the ones that the model is given.
        permissions: who may do what.
        approver: is asked; ``None`` where nobody is there: what would be asked is refused.
        before_write: called before a call that may change files, with the files that are known
            to change; for snapshots.
        redact: takes secrets out of what the model is told.
        decided: told of each decision.

    Raises:
        UsageError: a permission rule names no tool.
    """

    def __init__(
        self,
        desk: Desk,
        tools: Mapping[str, Tool],
        permissions: Permissions,
        approver: Approver | None = None,
        *,
        before_write: Callable[[Sequence[str]], None] = lambda _: None,
        redact: Callable[[str], str] = lambda text: text,
        decided: Callable[[Decision], None] = lambda _: None,
    ) -> None:
        self.desk = desk
        self.permissions = permissions
        self._tools = dict(sorted(tools.items()))
        self._definitions = tuple(tool.definition() for tool in self._tools.values())
        self._approver = approver
        self._before_write = before_write
        self._redact = redact
        self._decided = decided
        permissions.expect_known({*catalog(), *self._tools})
        own = desk.hides
        desk.hides = lambda path: own(path) or permissions.hides(path)

    def definitions(self) -> tuple[Json, ...]:
        """The tools as the Messages API takes them, by name; the same bytes every time."""
        return self._definitions

    def malformed(self, call: ToolCall) -> str:
        """Why a call cannot be run as it is; empty if it can."""
        tool = self._tools.get(call.name)
        if tool is None:
            return f"there is no tool {call.name}; there are {', '.join(self._tools)}"
        return tool.malformed(call.input)

    def reads_only(self, call: ToolCall) -> bool:
        """Whether calls like this may run beside each other."""
        tool = self._tools.get(call.name)
        return tool is not None and tool.effect == "read"

    def run(self, call: ToolCall) -> ToolResult:
        """Runs a call that is well-formed, if it may run.

        Raises:
            Cancelled: the person stopped the turn.
            InternalError: a bug of specmill.
        """
        tool = self._tools[call.name]
        try:
            refused = self._refusal(call, tool)
            if refused:
                return ToolResult(refused, is_error=True)
            if tool.effect not in ("read", "ask"):
                path = call.input.get("path")
                self._before_write((path,) if tool.effect == "write" and path else ())
            return self._told(tool.call(self.desk, call.input))
        except ToolError as error:
            return self._told(ToolResult(str(error), is_error=True))
        except InternalError:
            raise
        except SpecmillError as error:
            remedy = f" {error.remedy}" if error.remedy else ""
            return self._told(ToolResult(f"{error.message}.{remedy}", is_error=True))

    def close(self) -> None:
        """Ends what tools kept running for the length of the session."""
        extras, self.desk.extras = self.desk.extras, {}
        for extra in extras.values():
            close: Any = getattr(extra, "close", None)
            if close is not None:
                close()

    def _refusal(self, call: ToolCall, tool: Tool) -> str:
        """Why the call does not run, as the model is told; empty if it runs.

        Raises:
            ToolError: it would fail: nobody is asked for that.
        """
        verdict = self.permissions.verdict(call, tool)
        if verdict.answer == "allow":
            self._note(call, "allowed", verdict)
            return ""
        if verdict.answer == "deny":
            self._note(call, "denied", verdict)
            return f"refused: {verdict.why}. No other way around it is open either."
        if self._approver is None:
            self._note(call, "unanswered", verdict)
            return f"refused: {verdict.why}, and nobody is here to be asked. Go on without it."
        preview = tool.preview(self.desk, call.input)
        answer = self._approver.approve(call, tool, preview, verdict.why)
        if self.desk.cancel.is_set():
            raise Cancelled
        if not answer.ok:
            self._note(call, "rejected", replace(verdict, why=answer.reason))
            return f"rejected by the person: {answer.reason or 'no reason given'}"
        if answer.always:
            self.permissions.always(call, tool)
        self._note(call, "approved", replace(verdict, why=answer.reason))
        return ""

    def _note(self, call: ToolCall, outcome: Outcome, verdict: Verdict) -> None:
        self._decided(Decision(call, outcome, verdict.why, verdict.rule))

    def _told(self, result: ToolResult) -> ToolResult:
        return replace(result, text=self._redact(result.text))
