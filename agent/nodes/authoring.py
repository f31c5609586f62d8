"""Authored steps of a plan: what the model is given for each, and what it wrote."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from agent.model.base import Json
from agent.nodes.context import Context, Update, stopped
from agent.nodes.standing import Standing, part_of, reading_file
from agent.nodes.working import Task, Worked, work
from agent.prompting import data
from agent.state import RunState
from tools.artifact import Artifact, Authorship
from tools.errors import SpecmillError
from tools.generate.base import compile_step
from tools.generate.dbt.refs import call
from tools.lock import keep_bases, on_disk
from tools.plan import Plan, Step
from tools.spec.transform import Model
from tools.workflow_model import WorkflowStep
from tools.workspace_write import delete_atomic, write_atomic

_STAMP = re.compile(r"\S+ \S+ \(spec [0-9a-f]+\)\. Compiled by specmill: [^\n]*")
"""The line that would say of which spec's digest a text is compiled."""


@dataclass(frozen=True)
class Authored:
    """What came of the open steps of a plan.

    Args:
        artifacts: what was written.
        refusals: what the model was refused.
        stop: ends the run, when a step could not be written.
    """

    artifacts: tuple[Artifact, ...] = ()
    refusals: tuple[Json, ...] = ()
    stop: Update = field(default_factory=dict)


def author_steps(
    state: RunState, node: WorkflowStep, context: Context, standing: Standing
) -> Authored:
    """Has each open step written, in the order of the plan.

    Raises:
        BudgetSpent: turns, money or seconds are used up.
        SpecmillError: the model cannot be reached, or wants another key.
    """
    keep_drafts(context, state["pipeline"], [step.path for step in standing.open])
    artifacts: list[Artifact] = []
    refusals: list[Json] = []
    for step in standing.open:
        context.say(node.name, f"authoring {step.path}")
        worked = work(state, node.name, context, _task(state, node, context, step, standing))
        refusals += worked.refusals
        artifact = _written(state, context, step)
        if artifact is None or worked.ended.reason != "done":
            return Authored(tuple(artifacts), tuple(refusals), unwritten(step.path, worked))
        keep_bases(context.workspace.root, [artifact])
        artifacts.append(artifact)
    return Authored(tuple(artifacts), tuple(refusals))


def _written(state: RunState, context: Context, step: Step) -> Artifact | None:
    text = on_disk(context.tree(state), step.path)
    if text is None or not text.strip() or context.author is None:
        return None
    by = Authorship(step.id, part_of(step, context), context.author.name, state["run"])
    return Artifact(step.path, text, "authored", state["pipeline"], by)


def unwritten(what: str, worked: Worked) -> Update:
    """Ends the run: the model did not do what it was asked for."""
    ended = worked.ended
    why = {
        "done": "the model ended without writing anything",
        "refused": f"the model's service refused: {ended.detail}",
        "cancelled": "it was stopped",
        "stopped": f"the model stopped: {ended.detail}",
    }[ended.reason]
    said = " ".join(ended.text.split())[:300]
    remedy = f"it said: {said}" if said else "see what it was asked: specmill show RUN --prompts"
    return stopped(1, f"{what} is not done: {why}", remedy)


def _task(
    state: RunState, node: WorkflowStep, context: Context, step: Step, standing: Standing
) -> Task:
    def refuses(path: str) -> str:
        return "" if path == step.path else f"this step writes {step.path} and nothing else"

    return Task(
        key=f"author-{step.id.replace(':', '-')}",
        role="author",
        text=_brief(state, context, step, standing),
        section=node.instructions,
        tools=context.workflow.tools_of(node),
        refuses=refuses,
    )


def _brief(state: RunState, context: Context, step: Step, standing: Standing) -> str:
    """Everything that the step needs to be written: rules, how they were read, what is around."""
    spec = context.loaded.spec
    parts = [
        f"Write `{step.path}`, and only that file. It is yours to write because: {step.reason}."
    ]
    model = spec.model_named(step.subject)
    if model is not None:
        parts += [_about(context, model), *_rules(state, model)]
        parts += _draft(state, context, step, model)
    for artifact in standing.artifacts:
        if model is not None and artifact.path.endswith(f"/{_stem(step.path)}.yml"):
            parts.append(
                "Its contract and its tests:\n" + data("file", artifact.path, artifact.content)
            )
    return "\n\n".join(parts)


def _about(context: Context, model: Model) -> str:
    spec = context.loaded.spec
    references = dict.fromkeys((model.from_, *(join.to for join in model.joins)))
    lines = [f"- {ref}: `{{{{ {call(spec, model, ref)} }}}}`" for ref in references]
    return f"It is the model {model.name} of the layer {model.layer}. It reads:\n" + "\n".join(
        lines
    )


def _rules(state: RunState, model: Model) -> list[str]:
    parts = []
    if model.rules:
        rules = "\n".join(f"{n}. {rule}" for n, rule in enumerate(model.rules, 1))
        parts.append("Its rules in prose, to be carried out:\n" + data("spec", "rules", rules))
    if model.custom and model.custom.macro:
        parts.append(f"It has to call the macro `{model.custom.macro}`, which people wrote.")
    reading = json.loads(state["reading"]["text"]) if state.get("reading") else {}
    read = {
        k: [e for e in reading.get(k, []) if e["model"] == model.name]
        for k in ("rules", "questions")
    }
    if read["rules"] or read["questions"]:
        text = json.dumps(read, ensure_ascii=False, indent=1)
        parts.append(
            "How the rules were read before, with an assumption for each question that nobody has "
            "answered; keep to it:\n" + data("plan", reading_file(state["pipeline"]), text)
        )
    return parts


def _draft(state: RunState, context: Context, step: Step, model: Model) -> list[str]:
    """What the compiler makes of the spec without its prose; none where a model is to write all."""
    if model.author == "model" or (model.custom and model.custom.macro):
        return []
    plan = Plan.from_json(state["plan"])
    try:
        text = compile_step(step, plan, context.loaded.spec, context.others)
    except SpecmillError:
        return []
    text = _STAMP.sub("Authored for specmill: change the spec, not this file.", text)
    return ["A draft, compiled from the spec without the prose:\n" + data("file", "draft", text)]


def _stem(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".sql")


def drafts_of(context: Context, pipeline: str) -> frozenset[str]:
    """Files that a model was writing when a run ended: not a person's, though no lock has them."""
    text = on_disk(context.workspace.root, _drafts(context, pipeline))
    return frozenset(json.loads(text)) if text else frozenset()


def forget_drafts(context: Context, pipeline: str) -> None:
    """The lock has them now."""
    delete_atomic(context.workspace.root, _drafts(context, pipeline))


def keep_drafts(context: Context, pipeline: str, paths: Sequence[str]) -> None:
    """Notes files before a model writes them."""
    whole = sorted({*drafts_of(context, pipeline), *paths})
    write_atomic(context.workspace.root, _drafts(context, pipeline), json.dumps(whole))


def _drafts(context: Context, pipeline: str) -> str:
    state = context.workspace.state.relative_to(context.workspace.root).as_posix()
    return f"{state}/drafts/{pipeline}.json"
