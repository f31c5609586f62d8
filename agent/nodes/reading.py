"""Rules in prose, read before anything is written: restated, and what has to be asked of a person.

The reading is a file of the run like any other: a person sees it beside the code, and a spec whose
prose stays the same is not read again.
"""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from agent.model.base import Json
from agent.nodes.context import Context
from agent.nodes.proposal import TOOL, Box, Proposal, as_read
from agent.nodes.standing import reading_file
from agent.nodes.working import Task, work
from agent.prompting import data
from agent.state import RunState
from tools.artifact import Authorship, sha256_text
from tools.findings import Finding, Location, Severity
from tools.lock import LOCK, LockFile, bases, on_disk
from tools.lock_file import parse_lock
from tools.spec.load import LoadedSpec
from tools.spec.part import digest, part_digest
from tools.spec.transform import Model
from tools.workflow_model import WorkflowStep

STEP = "reading"


def read_prose(state: RunState, step: WorkflowStep, context: Context) -> Json:
    """The reading of the spec's prose: ``text`` and ``by``; empty without prose or a model.

    Raises:
        BudgetSpent: turns, money or seconds are used up.
        SpecmillError: the model cannot be reached, or wants another key.
    """
    models = [m for m in context.loaded.spec.models if m.rules and not _by_people(m)]
    if not models:
        return {}
    spec = context.loaded.spec
    asked = [q.model_dump(mode="json") for q in (*spec.decisions, *spec.open_questions)]
    part = digest([asked, *(part_digest(spec, m, context.others) for m in models)])
    kept = _kept(state, context, part)
    if kept or context.author is None:
        return kept
    context.say(step.name, "reading the rules in prose")
    box = Box(context.loaded, context.others)
    task = Task("plan", "plan", _brief(models), section=step.instructions, other=box)
    work(state, step.name, context, task)
    proposal = box.proposal or _proposed(context)
    if proposal is None:
        return {}
    by = Authorship(STEP, part, context.author.name, state["run"])
    text = json.dumps(proposal.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"
    return {"text": text, "by": vars(by)}


def questions_of(reading: Json, context: Context) -> tuple[tuple[Finding, bool], ...]:
    """The questions of a reading as findings, each with whether it keeps the spec from a build."""
    found = Proposal.model_validate_json(reading["text"]) if reading else None
    path = context.loaded.path
    return tuple(
        (
            Finding(
                "QUESTION",
                Severity.QUESTION,
                question.question,
                Location(path),
                hint=f"assumed: {question.assumption}",
                subject=question.model,
            ),
            question.blocks == "build",
        )
        for question in (found.questions if found else ())
    )


def spec_as_read(state: RunState, context: Context) -> LoadedSpec:
    """The spec with its prose as it was read: what the proof holds the code against."""
    reading = state.get("reading")
    if not reading:
        return context.loaded
    return as_read(context.loaded, Proposal.model_validate_json(reading["text"]))


def unapproved(state: RunState) -> tuple[str, ...]:
    """What the proof could not know: whether the prose means what it was read to mean."""
    reading = state.get("reading")
    return (
        _said(Proposal.model_validate_json(reading["text"]), state["pipeline"]) if reading else ()
    )


def as_kept(loaded: LoadedSpec, root: Path) -> tuple[LoadedSpec, tuple[str, ...]]:
    """The spec as the generated code in a folder was made from it, and what that leaves open."""
    path = reading_file(loaded.spec.pipeline)
    file, text = LockFile.load(root).files.get(path), on_disk(root, path)
    if file is None or text is None or sha256_text(text) != file.sha256:
        return loaded, ()
    proposal = Proposal.model_validate_json(text)
    return as_read(loaded, proposal), _said(proposal, loaded.spec.pipeline)


def _said(proposal: Proposal, pipeline: str) -> tuple[str, ...]:
    formal = dict.fromkeys(rule.model for rule in proposal.rules if rule.where or rule.expr)
    loose = dict.fromkeys(r.model for r in proposal.rules if not (r.where or r.expr))
    file = reading_file(pipeline)
    said = []
    if formal:
        said.append(f"prose of {', '.join(formal)}: held against how it was read, {file}; ")
        said[-1] += "nobody approved that"
    if loose:
        said.append(f"prose of {', '.join(loose)}: held against its examples and tests alone")
    return tuple(said)


def _by_people(model: Model) -> bool:
    return bool(model.custom and model.custom.sql_file)


def _brief(models: list[Model]) -> str:
    lines = [f"{m.name}:\n" + "\n".join(f"- {rule}" for rule in m.rules) for m in models]
    return "The rules in prose, by model:\n" + data("spec", "rules", "\n".join(lines))


def _kept(state: RunState, context: Context, part: str) -> Json:
    """The reading of an earlier run of the same prose, as the lock has it."""
    path = reading_file(state["pipeline"])
    for lock, text in _places(state, context, path):
        file = lock.files.get(path)
        if file is None or file.author is None or file.author.part != part:
            continue
        history = context.repo.find_by_sha256 if context.repo else None
        known = text if text is not None and sha256_text(text) == file.sha256 else None
        known = known or bases(context.workspace.root, history)(path, file.sha256)
        if known is not None:
            return {"text": known, "by": file.author.model_dump()}
    return {}


def _places(state: RunState, context: Context, path: str) -> list[tuple[LockFile, str | None]]:
    """Where an earlier reading may be: the branch that is committed to, or the workspace."""
    root, repo = context.workspace.root, context.repo
    if not state["commit"] or repo is None:
        return [(LockFile.load(root), on_disk(root, path))]
    branch = f"{context.settings.branch_prefix}{state['pipeline']}"
    lock = repo.show(branch, LOCK)
    return [(parse_lock(lock, LOCK), repo.show(branch, path))] if lock else []


def _proposed(context: Context) -> Proposal | None:
    """What was proposed in a conversation that had ended already: a run that was resumed."""
    file = context.folder / "talks" / "plan.json"
    found = json.loads(file.read_text(encoding="utf-8"))["messages"] if file.is_file() else []
    given = [
        block["input"]
        for message in found
        for block in message["content"]
        if block["type"] == "tool_use" and block["name"] == TOOL
    ]
    for one in reversed(given):
        try:
            return Proposal.model_validate(one)
        except ValidationError:
            continue
    return None
