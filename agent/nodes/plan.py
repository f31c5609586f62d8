"""plan: the spec is linted, alone and among its neighbours, and becomes a list of files."""

from __future__ import annotations

from collections.abc import Sequence

from agent.nodes.context import Context, Update, Waits, stopped
from agent.nodes.reading import questions_of, read_prose
from agent.state import RunState
from tools.findings import Finding, Location, Report, Severity
from tools.plan import Plan, make_plan
from tools.spec.library import lint_all
from tools.spec.load import LoadedSpec
from tools.spec.model import Spec
from tools.workflow_model import WorkflowStep

__all__ = ["describe", "is_production", "lint_all", "open_questions", "plan"]


def plan(state: RunState, step: WorkflowStep, context: Context) -> Update:
    """Lints, has rules in prose read, and plans; errors end the run.

    Raises:
        Waits: open questions keep the spec from its target.
        SpecmillError: the model cannot be reached, or its budget is spent.
    """
    loaded = context.loaded
    report = lint_all(loaded, context.neighbours, context.others)
    update: Update = {
        "lint": report.to_json(),
        "questions": [question.to_json() for question in open_questions(loaded, report)],
        "findings": [finding.to_json() for finding in report.errors],
    }
    if report.errors:
        number = len(report.errors)
        reason = f"{loaded.path}: {number} error{'' if number == 1 else 's'} in the spec"
        return update | stopped(1, reason, "correct the spec and run it again")
    questions = open_questions(loaded, report)
    _refuse_questions(state, loaded, questions)
    reading = read_prose(state, step, context)
    asked = questions_of(reading, context)
    questions = (*questions, *(finding for finding, _ in asked))
    _refuse_questions(state, loaded, questions, [q for q, blocks_build in asked if blocks_build])
    made = make_plan(loaded.spec, loaded.digest)
    context.summarise(step.name, describe(made))
    platforms = {target.platform for target in loaded.spec.targets.values()} - {"duckdb"}
    return update | {
        "plan": made.to_json(),
        "targets": sorted(platforms),
        "questions": [question.to_json() for question in questions],
        "reading": reading,
    }


def describe(made: Plan) -> str:
    """Such as ``12 files, all compiled``."""
    number, authored = len(made.steps), len(made.authored)
    how = f"{authored} need a model" if authored else "all compiled"
    return f"{number} files, {how}"


def is_production(target: str, spec: Spec) -> bool:
    """Whether the target is a place where a wrong assumption would do harm."""
    found = spec.targets.get(target)
    return found is not None and found.platform != "duckdb"


def open_questions(loaded: LoadedSpec, report: Report) -> tuple[Finding, ...]:
    """Everything a person has to answer: the spec's own questions, and those of its lint."""
    own = [
        Finding(
            "QUESTION",
            Severity.QUESTION,
            question.question,
            loaded.at("open_questions", index),
            hint=f"assumed: {question.assumption}" if question.assumption else "",
            subject=question.about,
        )
        for index, question in enumerate(loaded.spec.open_questions)
    ]
    asked = [question.question for question in loaded.spec.open_questions]
    rest = (f for f in report.questions if not any(question in f.message for question in asked))
    return (*own, *rest)


def _refuse_questions(
    state: RunState,
    loaded: LoadedSpec,
    questions: Sequence[Finding],
    also: Sequence[Finding] = (),
) -> None:
    """Waits if a question blocks the target; those of ``also`` block a build as well."""
    building = {q.question for q in loaded.spec.open_questions if q.blocks == "build"}
    target = state["target"]
    production = is_production(target, loaded.spec)
    blocking = (
        questions if production else [q for q in questions if q.message in building or q in also]
    )
    if not blocking:
        return
    number = len(blocking)
    kept = f"the target {target}" if production else "being built"
    verb = "keeps" if number == 1 else "keep"
    raise Waits(
        f"{number} open question{'' if number == 1 else 's'} {verb} {loaded.path} from {kept}",
        "answer in the spec (and note why under decisions), then run it again"
        + ("; --target duckdb builds it with the assumptions" if production else ""),
        [
            Finding(**{**q.__dict__, "location": q.location or Location(loaded.path)})
            for q in blocking
        ],
    )
