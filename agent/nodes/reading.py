"""Rules in prose, read before anything is written: restated, and what has to be asked of a person.

The reading is a file of the run like any other: a person sees it beside the code, and a spec whose
prose stays the same is not read again.
"""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.model.base import Json
from agent.nodes.context import Context
from agent.nodes.standing import reading_file
from agent.nodes.working import Task, work
from agent.prompting import data
from agent.state import RunState
from agent.talk import ToolCall
from tools.artifact import Authorship, sha256_text
from tools.desk import ToolResult
from tools.findings import Finding, Location, Severity
from tools.lock import LOCK, LockFile, bases, on_disk
from tools.lock_file import parse_lock
from tools.spec.part import digest, part_digest
from tools.spec.transform import Model
from tools.workflow_model import WorkflowStep

STEP = "reading"
_STRICT = ConfigDict(extra="forbid", strict=True)


class Restated(BaseModel):
    """A rule in prose, as it would be carried out."""

    model_config = _STRICT

    model: str = Field(description="The model of the spec that has the rule.")
    rule: str = Field(description="The rule, word for word.")
    restated: str = Field(description="A predicate or expression over named columns.")


class Question(BaseModel):
    """What a person has to answer, and what is assumed until then."""

    model_config = _STRICT

    model: str = Field(description="The model of the spec that it is about.")
    question: str = Field(description="One question, in one sentence.")
    assumption: str = Field(description="The most cautious answer, used until a person gives one.")
    blocks: Literal["production", "build"] = Field(description="What must wait for the answer.")


class Proposal(BaseModel):
    """How the prose of a spec was read."""

    model_config = _STRICT

    rules: list[Restated] = Field(description="Each rule in prose, once.")
    questions: list[Question] = Field(description="What the spec leaves open; often empty.")


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
    box = _Box({m.name for m in models})
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
    calls = [
        block["input"]
        for message in found
        for block in message["content"]
        if block["type"] == "tool_use" and block["name"] == "propose"
    ]
    for given in reversed(calls):
        try:
            return Proposal.model_validate(given)
        except ValidationError:
            continue
    return None


class _Box:
    """The one tool of the plan: it says how the prose was read."""

    def __init__(self, models: set[str]) -> None:
        self._models = models
        self.proposal: Proposal | None = None

    def definitions(self) -> tuple[Json, ...]:
        schema: Any = Proposal.model_json_schema()
        text = "Say how each rule in prose is to be carried out, and what has to be asked first."
        return ({"name": "propose", "description": text, "input_schema": schema, "strict": True},)

    def malformed(self, call: ToolCall) -> str:
        if call.name != "propose":
            return f"there is no tool {call.name}; there is propose"
        try:
            found = Proposal.model_validate(call.input)
        except ValidationError as error:
            return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        named = {r.model for r in found.rules} | {q.model for q in found.questions}
        other = named - self._models
        return f"no model with prose is called {', '.join(sorted(other))}" if other else ""

    def reads_only(self, call: ToolCall) -> bool:  # noqa: ARG002 - part of the protocol
        return False

    def run(self, call: ToolCall) -> ToolResult:
        self.proposal = Proposal.model_validate(call.input)
        return ToolResult("Noted. End here.")
