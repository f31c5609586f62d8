"""What a workflow means across its parts: is its path one that can be walked, and safely. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tools.findings import Finding, Location, Report, Severity
from tools.spec.suggest import did_you_mean
from tools.workflow_model import Workflow, WorkflowStep
from tools.workflow_steps import TOOL_NAMES, AgentStep, GateStep, RunStep

BUILT_IN = frozenset({"pipeline", "version"})
"""Names that ``${...}`` may use without a parameter: they come from the spec."""

REFERENCE = re.compile(r"\$\{([^}]*)\}")
_WRITES = frozenset({"generate", "agent", "repair"})
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "fish", "cmd", "cmd.exe", "powershell"})


def lint(workflow: Workflow) -> Report:
    """Every reason why a workflow should not drive a run, with file, line and column."""
    checks = (_names, _tools, _order, _writes_are_tested, _gates, _commands, _parameters)
    return Report.of(finding for check in checks for finding in check(workflow))


def _error(code: str, where: Location, message: str, hint: str) -> Finding:
    return Finding(code, Severity.ERROR, message, where, hint)


def _names(workflow: Workflow) -> Iterator[Finding]:
    first: dict[str, int] = {}
    for index, step in enumerate(workflow.steps):
        if step.name in first:
            yield _error(
                "WF-DUPLICATE",
                workflow.at("steps", index, "name"),
                f"two steps are called {step.name}; the first is on line {first[step.name]}",
                "give each step a name of its own",
            )
        first.setdefault(step.name, step.line)


def _tools(workflow: Workflow) -> Iterator[Finding]:
    for index, tool in enumerate(workflow.allowed_tools):
        if tool not in TOOL_NAMES:
            yield _unknown_tool(tool, workflow.at("allowed-tools", index))
    for number, step in enumerate(workflow.steps):
        if not isinstance(step.options, AgentStep):
            continue
        for index, tool in enumerate(step.options.tools):
            where = workflow.at("steps", number, "tools", index)
            if tool not in TOOL_NAMES:
                yield _unknown_tool(tool, where)
            elif tool not in workflow.allowed_tools:
                message = f"step {step.name} uses {tool}, which is not among allowed-tools"
                yield _error("WF-TOOL", where, message, f"add {tool} to allowed-tools")


def _unknown_tool(tool: str, where: Location) -> Finding:
    return _error(
        "WF-TOOL", where, f"there is no tool {tool}", did_you_mean(tool, sorted(TOOL_NAMES))
    )


def _order(workflow: Workflow) -> Iterator[Finding]:
    """Each kind of step after what it needs."""
    needs = {
        "generate": (("plan",), "what to make comes from a plan"),
        "repair": (("test",), "a repair works on what a test found"),
        "review": (("test",), "a review shows what was tested"),
        "commit": (("test", "review"), "what is committed has been tested and can be reviewed"),
    }
    seen: set[str] = set()
    for index, step in enumerate(workflow.steps):
        kinds, why = needs.get(step.kind, ((), ""))
        missing = [kind for kind in kinds if kind not in seen]
        if missing:
            lacking = " and no ".join(f"{kind} step" for kind in missing)
            steps = " and ".join(f"a {kind} step" for kind in missing)
            message = f"the {step.kind} step {step.name} has no {lacking} before it"
            yield _error(
                "WF-ORDER", workflow.at("steps", index), message, f"put {steps} first: {why}"
            )
        seen.add(step.kind)


def _writes_are_tested(workflow: Workflow) -> Iterator[Finding]:
    """Nothing that was written after the last test, or the last review, is committed."""
    tested: WorkflowStep | None = None
    reviewed: WorkflowStep | None = None
    for index, step in enumerate(workflow.steps):
        if step.kind in ("generate", "agent"):
            tested = reviewed = step
        elif step.kind == "repair":
            reviewed = step  # a repair runs the test before it again
        elif step.kind == "test":
            tested = None
        elif step.kind == "review":
            reviewed = None
        elif step.kind == "commit":
            for writer, kind in ((tested, "test"), (reviewed, "review")):
                if writer and any(s.kind == kind for s in workflow.steps[:index]):
                    message = (
                        f"{step.name} commits what {writer.name} wrote without a {kind} between"
                    )
                    hint = f"put a {kind} step after {writer.name}"
                    yield _error("WF-ORDER", workflow.at("steps", index), message, hint)


def _gates(workflow: Workflow) -> Iterator[Finding]:
    kinds = [step.kind for step in workflow.steps]
    for index, step in enumerate(workflow.steps):
        if not isinstance(step.options, GateStep):
            continue
        where, name = workflow.at("steps", index), step.name
        before, after = kinds[:index], kinds[index + 1 :]
        if step.options.of == "spec":
            if _WRITES & set(before):
                message = f"the gate {name} asks for the spec when code is already written"
                yield _error("WF-GATE", where, message, "put it before the first step that writes")
            continue
        if "test" not in before:
            message = f"the gate {name} asks for code that has not been tested"
            yield _error("WF-GATE", where, message, "put it after a test step")
        writers = [s.name for s in workflow.steps[index + 1 :] if s.kind in _WRITES]
        if writers:
            message = (
                f"{writers[0]} changes the code after the gate {name}, which voids the approval"
            )
            yield _error("WF-GATE", where, message, f"put the gate after {writers[-1]}")
        if "commit" in before and "commit" not in after:
            message = f"the gate {name} asks for code that is already committed"
            yield _error("WF-GATE", where, message, "put it before the commit step")


def _commands(workflow: Workflow) -> Iterator[Finding]:
    for index, step in enumerate(workflow.steps):
        if not isinstance(step.options, RunStep):
            continue
        program, *rest = step.options.argv
        base = program.replace("\\", "/").rsplit("/", 1)[-1].lower()
        if base in _SHELLS and any(re.match(r"[-/]\w*c\w*$", argument) for argument in rest):
            yield _error(
                "WF-SHELL",
                workflow.at("steps", index, "argv"),
                f"{program} with a command string is a shell by another door",
                "name the program and its arguments, or put the commands into a script file",
            )


def _parameters(workflow: Workflow) -> Iterator[Finding]:
    """Every ``${name}`` is known, and every parameter is used."""
    known = {*workflow.parameters, *BUILT_IN}
    used: set[str] = set()
    for index, step in enumerate(workflow.steps):
        texts = [(step.instructions, workflow.at("steps", index, "name"))]
        if isinstance(step.options, RunStep):
            texts += [
                (argument, workflow.at("steps", index, "argv", number))
                for number, argument in enumerate(step.options.argv)
            ]
        for text, where in texts:
            for name in dict.fromkeys(REFERENCE.findall(text)):
                used.add(name)
                if name not in known:
                    hint = did_you_mean(name, sorted(known))
                    message = f"step {step.name} uses ${{{name}}}, which is not a parameter"
                    yield _error("WF-PARAMETER", where, message, hint)
    for name in workflow.parameters:
        where = workflow.at("parameters", name)
        if name in BUILT_IN:
            message = f"the parameter {name} is given by the spec already"
            yield _error("WF-PARAMETER", where, message, "give it another name")
        elif name not in used:
            message = f"the parameter {name} is not used"
            hint = f"use ${{{name}}} in a section or in argv, or remove it"
            yield Finding("WF-PARAMETER", Severity.WARNING, message, where, hint)
