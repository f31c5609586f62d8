"""Which workflow a spec takes, and the values of its parameters. Pure and deterministic."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from tools.errors import UsageError
from tools.spec.model import Spec
from tools.spec.suggest import did_you_mean
from tools.workflow_lint import BUILT_IN, REFERENCE
from tools.workflow_model import Cadence, SpecPart, Workflow
from tools.workflow_steps import RunStep

DEFAULT = "build-pipeline"
"""What a spec takes for which no other workflow applies."""


@dataclass(frozen=True)
class Choice:
    """A workflow with its parameters filled in, why it was taken, and what applied as well."""

    workflow: Workflow
    reason: str
    others: tuple[str, ...] = ()


def choose(
    workflows: Mapping[str, Workflow],
    spec: Spec,
    requested: str | None = None,
    values: Mapping[str, str] | None = None,
) -> Choice:
    """The workflow for a spec: the one asked for, else the most specific, else build-pipeline.

    Among the workflows whose ``applies-to`` holds, the highest priority wins, then the most
    conditions, then the first by name.

    Args:
        workflows: by name.
        spec: what is to be built.
        requested: a name that a person gave; taken whether or not it applies.
        values: for parameters, in addition to what the spec gives (``pipeline``, ``version``).

    Raises:
        UsageError: no workflow of that name, none applies, or a parameter has no value.
    """
    applying = _applying(workflows, spec)
    if requested is not None:
        if requested not in workflows:
            hint = did_you_mean(requested, sorted(workflows))
            raise UsageError(f"there is no workflow {requested}", hint)
        name, reason = requested, "asked for by name"
    elif applying:
        name = next(iter(applying))
        reason = _joined(applying[name])
    elif DEFAULT in workflows:
        name, reason = DEFAULT, "no other workflow applies"
    else:
        hint = f"add workflows/{DEFAULT}.md, or name a workflow"
        raise UsageError(f"no workflow applies to {spec.pipeline}", hint)
    given = {"pipeline": spec.pipeline, "version": spec.version}
    workflow = bind(workflows[name], {**given, **(values or {})})
    return Choice(workflow, reason, tuple(other for other in applying if other != name))


def bind(workflow: Workflow, values: Mapping[str, str]) -> Workflow:
    """The workflow with every ``${name}`` in sections and argv replaced; the digest stays.

    A value becomes part of one argument: it is never split, and never read by a shell.

    Raises:
        UsageError: a value for no parameter, or a parameter without value and default.
    """
    known = {*workflow.parameters, *BUILT_IN}
    for name in values:
        if name not in known:
            hint = did_you_mean(name, sorted(workflow.parameters)) or "leave it out"
            raise UsageError(f"the workflow {workflow.name} has no parameter {name}", hint)
    defaults = {n: p.default for n, p in workflow.parameters.items() if p.default is not None}
    filled = {**defaults, **values}
    for name, parameter in workflow.parameters.items():
        if name not in filled:
            message = f"the workflow {workflow.name} needs a value for {name}"
            raise UsageError(message, f"{name}: {parameter.description}")

    def fill(text: str) -> str:
        return REFERENCE.sub(lambda found: filled.get(found.group(1), found.group()), text)

    steps = []
    for step in workflow.steps:
        options = step.options
        if isinstance(options, RunStep):
            options = options.model_copy(update={"argv": tuple(map(fill, options.argv))})
        texts = {"title": fill(step.title), "instructions": fill(step.instructions)}
        steps.append(step.model_copy(update={"options": options, **texts}))
    return workflow.model_copy(update={"steps": tuple(steps)})


def _applying(workflows: Mapping[str, Workflow], spec: Spec) -> dict[str, tuple[str, ...]]:
    """The workflows whose conditions all hold, with the reasons; the one to take comes first."""
    found = {name: _reasons(workflow, spec) for name, workflow in workflows.items()}
    applying = {name: reasons for name, reasons in found.items() if reasons}
    return dict(
        sorted(
            applying.items(),
            key=lambda item: (-workflows[item[0]].applies_to.priority, -len(item[1]), item[0]),
        )
    )


def _reasons(workflow: Workflow, spec: Spec) -> tuple[str, ...]:
    """Why a workflow applies, one reason a condition; empty where one fails or none is given."""
    rule = workflow.applies_to
    layers = sorted({model.layer for model in spec.models})
    strategies = sorted({model.load.strategy for model in spec.models} & set(rule.load))
    shared = sorted(set(layers) & set(rule.layer))
    wanted = {system.lower() for system in rule.system}
    systems = sorted({s.system for s in spec.sources if s.system.lower() in wanted})
    fires = cadence(spec.orchestration.schedule)
    outcomes: list[tuple[object, bool, str]] = [
        (rule.load, bool(strategies), f"a model is loaded as {', '.join(strategies)}"),
        (rule.layer, bool(shared), f"a model is in {', '.join(shared)}"),
        (
            rule.only_layer,
            set(layers) <= set(rule.only_layer),
            f"all models are in {', '.join(layers)}" if layers else "no models",
        ),
        (
            rule.has,
            all(PARTS[part](spec) for part in rule.has),
            f"the spec has {', '.join(rule.has)}",
        ),
        (
            rule.lacks,
            not any(PARTS[part](spec) for part in rule.lacks),
            f"the spec has no {' or '.join(rule.lacks)}",
        ),
        (rule.system, bool(systems), f"a source is {', '.join(systems)}"),
        (rule.cadence, fires in rule.cadence, f"the schedule is {fires}"),
    ]
    given = [(holds, reason) for condition, holds, reason in outcomes if condition]
    return tuple(reason for _, reason in given) if all(holds for holds, _ in given) else ()


def _joined(names: Iterable[str]) -> str:
    return ", ".join(names)


PARTS: dict[SpecPart, Callable[[Spec], bool]] = {
    "sources": lambda spec: bool(spec.sources),
    "models": lambda spec: bool(spec.models),
    "joins": lambda spec: any(model.joins for model in spec.models),
    "rules": lambda spec: any(model.rules for model in spec.models),
    "custom": lambda spec: any(model.custom for model in spec.models),
    "examples": lambda spec: any(model.examples for model in spec.models),
    "validation": lambda spec: bool(spec.validation.checks or spec.validation.freshness),
    "orchestration": lambda spec: spec.orchestration.schedule is not None,
    "semantic": lambda spec: any(spec.semantic.__dict__.values()),
    "consumers": lambda spec: bool(spec.consumers),
}
"""What it means that a spec has a part."""

_PRESETS: dict[str, Cadence] = {
    "@hourly": "hourly",
    "@daily": "daily",
    "@midnight": "daily",
    "@weekly": "weekly",
    "@monthly": "monthly",
}


def cadence(schedule: str | None) -> Cadence | None:
    """How often a cron expression of five fields, or a preset, fires; None without a schedule.

    Read from the finest field that is not a single value: ``*/15 * * * *`` fires within the hour,
    ``5 * * * *`` hourly, ``0 6 * * 1-5`` daily. What this doesn't cover is ``other``.
    """
    if schedule is None:
        return None
    text = schedule.strip().lower()
    fields = text.split()
    if text in _PRESETS or len(fields) != 5:
        return _PRESETS.get(text, "other")
    minute, hour, day, month, weekday = fields
    if not minute.isdigit():
        return "minutes"
    if not hour.isdigit():
        return "hourly" if re.fullmatch(r"\*|\d+-\d+", hour) else "other"
    every_day, every_month = day in ("*", "?"), month == "*"
    if not every_month or (not every_day and weekday not in ("*", "?")):
        return "other"
    if not every_day:
        return "monthly" if day.isdigit() else "other"
    return "weekly" if re.fullmatch(r"\d|[a-z]{3}", weekday) else "daily"
