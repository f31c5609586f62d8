"""Workflows: markdown files that say which steps a run takes, in which order, with what limits.

``load_workflow`` reads one file, ``load_workflows`` a folder, ``choose`` picks the one for a
spec, ``bind`` fills in its parameters, ``lint`` finds paths that should not be walked,
``to_skill`` exports to SKILL.md and ``workflow_schema`` describes the frontmatter.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pydantic

from tools.errors import InputError, UsageError
from tools.findings import Finding, Location, Report, Severity
from tools.spec.suggest import did_you_mean
from tools.workflow_choose import Choice, bind, choose
from tools.workflow_lint import lint
from tools.workflow_model import (
    AppliesTo,
    Budget,
    Frontmatter,
    Parameter,
    Workflow,
    WorkflowStep,
)
from tools.workflow_read import Section, WorkflowText, failed, read
from tools.workflow_steps import STEP_CLASSES
from tools.workspace import read_text, shown

MAX_BYTES = 256 * 1024
"""A workflow is prose for people; a longer file is something else."""


def load_workflow(path: Path) -> Workflow:
    """Read, check and lint one workflow file.

    Raises:
        UsageError: there is no such file.
        ProgramMissing: it may not be read.
        InputError: the file is wrong; the findings say where, all of them at once.
    """
    workflow = parse_workflow(read_text(path, limit=MAX_BYTES), shown(path))
    errors = lint(workflow).errors
    if errors:
        raise failed(workflow.path, errors)
    return workflow


def load_workflows(folder: Path) -> dict[str, Workflow]:
    """The workflows of a folder by name: each ``*.md`` that is not a README, in sorted order.

    Raises:
        UsageError: there is no such folder.
        InputError: a file is wrong, or two workflows have one name; all findings of all files.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder}: no such folder", "give the folder that holds the workflows")
    found: dict[str, Workflow] = {}
    findings: list[Finding] = []
    for path in sorted(folder.glob("*.md")):
        if path.stem.lower() == "readme":
            continue
        try:
            workflow = load_workflow(path)
        except InputError as error:
            findings.extend(error.findings)
            continue
        other = found.setdefault(workflow.name, workflow)
        if other is not workflow:
            message = f"the workflow {workflow.name} is also in {other.path}"
            hint = "give one of them another name"
            findings.append(
                Finding("WF-DUPLICATE", Severity.ERROR, message, workflow.at("name"), hint)
            )
    if findings:
        raise failed(shown(folder), tuple(findings))
    return found


def parse_workflow(text: str, path: str) -> Workflow:
    """A workflow from the text of its file; pure. ``lint`` is not run.

    Raises:
        InputError: the frontmatter or the sections are wrong, with all findings.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    parts = read(text, path)
    findings: list[Finding] = []
    front: Frontmatter | None = None
    try:
        front = Frontmatter.model_validate_json(json.dumps(parts.data), strict=True)
    except pydantic.ValidationError as error:
        findings += [_explained(problem, parts, path) for problem in error.errors()]
    findings += _section_findings(parts, path)
    if findings or front is None:
        raise failed(path, Report.of(findings).findings)
    return _assembled(front, parts, path, hashlib.sha256(text.encode()).hexdigest())


def workflow_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the frontmatter of a workflow file."""
    schema = Frontmatter.model_json_schema(by_alias=True, mode="validation")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "Workflow",
    }


def to_skill(workflow: Workflow) -> str:
    """The workflow as the text of a SKILL.md file: frontmatter, the path, the sections."""
    quoted = json.dumps(workflow.description, ensure_ascii=False)  # a YAML double-quoted scalar
    lines = ["---", f"name: {workflow.name}", f"description: {quoted}", "---", ""]
    if not workflow.intro.startswith("# "):
        lines += [f"# {workflow.name}", ""]
    lines += [workflow.intro, ""] if workflow.intro else []
    lines += ["## Steps", ""]
    lines += [f"{n}. `{s.name}` ({s.kind}): {s.title}" for n, s in enumerate(workflow.steps, 1)]
    if workflow.parameters:
        lines += ["", "## Parameters", ""]
    for name, parameter in workflow.parameters.items():
        default = "" if parameter.default is None else f" (default: {parameter.default})"
        lines.append(f"- `${{{name}}}`: {parameter.description}{default}")
    for step in workflow.steps:
        if step.instructions:
            lines += ["", f"## {step.name}", "", step.instructions]
    return "\n".join(lines) + "\n"


def _assembled(front: Frontmatter, parts: WorkflowText, path: str, digest: str) -> Workflow:
    sections = {section.name: section.text for section in parts.sections}
    steps = tuple(
        WorkflowStep(
            options=options,
            title=_title(sections.get(options.name, ""), options),
            instructions=sections.get(options.name, ""),
            line=parts.positions.get(("steps", index), (1, 1))[0],
        )
        for index, options in enumerate(front.steps)
    )
    fields = {name: getattr(front, name) for name in Frontmatter.model_fields if name != "steps"}
    return Workflow(
        **fields,
        path=path,
        intro=parts.intro,
        steps=steps,
        digest=digest,
        positions=parts.positions,
    )


def _title(text: str, options: object) -> str:
    """The first sentence of the section, else what steps of this kind do."""
    paragraph = " ".join((text or type(options).__doc__ or "").split("\n\n", 1)[0].split())
    sentence, dot, _ = paragraph.partition(". ")
    return f"{sentence}." if dot else paragraph


def _section_findings(parts: WorkflowText, path: str) -> list[Finding]:
    """Sections without a step, sections given twice, agent steps without a section."""
    listed_steps = parts.data.get("steps")
    steps = (
        [s for s in listed_steps if isinstance(s, dict)] if isinstance(listed_steps, list) else []
    )
    names = [str(step.get("name")) for step in steps]
    findings: list[Finding] = []
    first: dict[str, Section] = {}
    for section in parts.sections:
        where = Location(path, section.line, 4)
        if section.name in first:
            message = f"the section {section.name} is on line {first[section.name].line} already"
            findings.append(_finding("WF-SECTION", where, message, "merge the two"))
        elif section.name not in names:
            hint = did_you_mean(section.name, names) or "name it after a step"
            message = f"the section {section.name} belongs to no step"
            findings.append(_finding("WF-SECTION", where, message, hint))
        first.setdefault(section.name, section)
    for index, step in enumerate(listed_steps if isinstance(listed_steps, list) else []):
        if not isinstance(step, dict) or step.get("kind") != "agent":
            continue
        name = str(step.get("name"))
        if name not in first or not first[name].text:
            where = Location(path, *parts.positions.get(("steps", index), (1, 1)))
            message = f"the agent step {name} has no instructions"
            hint = f"write them under a heading ## {name}"
            findings.append(_finding("WF-SECTION", where, message, hint))
    return findings


def _explained(problem: Any, parts: WorkflowText, path: str) -> Finding:
    """A finding from a pydantic error: where it stands in the file, in the words of the file."""
    loc = tuple(problem["loc"])
    is_step = loc[:1] == ("steps",) and len(loc) > 1
    kind = str(loc[2]) if is_step and len(loc) > 2 else ""
    place = (*loc[:2], *loc[3:]) if is_step else loc
    place = tuple(part for part in place if part != "[key]")
    near = place
    while near and near not in parts.positions:
        near = near[:-1]
    where = Location(path, *parts.positions.get(near, (2, 1)))
    named = [n for n, part in enumerate(place) if isinstance(part, str)]
    key = (
        "".join(str(p) if isinstance(p, str) else f"[{p}]" for p in place[named[-1] :])
        if named
        else ""
    )
    message, hint = _words(problem, key, _keys(place, kind))
    return _finding("WF-KEY", where, message, hint)


def _keys(place: tuple[str | int, ...], kind: str) -> list[str]:
    """The keys that are known where the last part of ``place`` stands."""
    parents: dict[str | int, type[pydantic.BaseModel]] = {
        "applies-to": AppliesTo,
        "budget": Budget,
        "parameters": Parameter,
    }
    model: type[pydantic.BaseModel] = Frontmatter
    if len(place) > 1:
        model = STEP_CLASSES[kind] if kind in STEP_CLASSES else parents.get(place[0], Frontmatter)
    return [field.alias or name for name, field in model.model_fields.items()]


def _words(problem: Any, key: str, known: list[str]) -> tuple[str, str]:
    """What is wrong and what to do, for the kinds of error that people make."""
    match problem["type"]:
        case "extra_forbidden":
            return f"unknown key {key}", did_you_mean(key, known)
        case "missing":
            return f"{key} is missing", f"add {key}:"
        case "union_tag_not_found":
            return "the step has no kind", f"add kind: one of {', '.join(STEP_CLASSES)}"
        case "union_tag_invalid":
            tag = str(problem["ctx"]["tag"])
            hint = did_you_mean(tag, STEP_CLASSES)
            return f"there is no kind of step {tag}", hint
        case "tuple_type" if key == "argv":
            hint = "write one item for each argument: [git, status, --short]"
            return "argv is a list of arguments, never one string", hint
        case "literal_error":
            wrong = str(problem["input"])
            choices = str(problem["ctx"]["expected"]).replace("'", "").replace(" or ", ", ")
            hint = did_you_mean(wrong, choices.split(", "))
            return f"{key}: {wrong} is not known here", hint
        case "greater_than":
            return f"{key} has to be more than {problem['ctx']['gt']:g}", "give a positive number"
        case _:
            said = str(problem["msg"])
            return f"{key}: {said[:1].lower()}{said[1:]}", "see the schema: specmill schema"


def _finding(code: str, where: Location, message: str, hint: str) -> Finding:
    return Finding(code, Severity.ERROR, message, where, hint)


__all__ = [
    "Choice",
    "Workflow",
    "WorkflowStep",
    "bind",
    "choose",
    "lint",
    "load_workflow",
    "load_workflows",
    "parse_workflow",
    "to_skill",
    "workflow_schema",
]
