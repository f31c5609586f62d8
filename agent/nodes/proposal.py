"""How a spec's rules in prose are to be carried out, as a model proposes it before it writes code.

A rule that can be restated as a filter, or as the expression of a column, is one that the proof
can hold the code against: by a reading of its own, which shares nothing with the code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agent.model.base import Json
from agent.talk import ToolCall
from tools.desk import ToolResult
from tools.spec.lint import lint
from tools.spec.load import LoadedSpec
from tools.spec.model import Spec
from tools.spec.transform import Model, OutputColumn

TOOL = "propose"
_STRICT = ConfigDict(extra="forbid", strict=True)


class Restated(BaseModel):
    """A rule in prose, as it would be carried out."""

    model_config = _STRICT

    model: str = Field(description="The model of the spec that has the rule.")
    rule: str = Field(description="The rule, word for word.")
    restated: str = Field(description="What it means, in one sentence over named columns.")
    where: str = Field(
        description="If it keeps or drops rows: the predicate of the rows that stay, in the spec's "
        "dialect, over the columns of `from` and the aliases of joins. Else empty."
    )
    column: str = Field(description="If it decides the value of one column: its name. Else empty.")
    expr: str = Field(description="The expression of that column, in the same terms. Else empty.")


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


def as_read(loaded: LoadedSpec, proposal: Proposal) -> LoadedSpec:
    """The spec with every rule that was restated formally in the place where a spec has it."""
    models = [
        _as_read(m, [r for r in proposal.rules if r.model == m.name]) for m in loaded.spec.models
    ]
    return replace(loaded, spec=loaded.spec.model_copy(update={"models": models}))


def _as_read(model: Model, rules: Sequence[Restated]) -> Model:
    formal = [rule for rule in rules if rule.where or rule.expr]
    if not formal:
        return model
    filters = [f for f in (model.where, *(rule.where for rule in formal)) if f]
    exprs = {rule.column.lower(): rule.expr for rule in formal if rule.expr}
    return model.model_copy(
        update={
            "rules": [text for text in model.rules if text not in {r.rule for r in formal}],
            "where": " and ".join(f"({f})" for f in filters) or None,
            "columns": [_column(column, exprs) for column in model.columns],
        }
    )


def _column(column: OutputColumn, exprs: Mapping[str, str]) -> OutputColumn:
    expr = exprs.get(column.name.lower())
    return column.model_copy(update={"expr": expr, "from_": None}) if expr else column


def faults(proposal: Proposal, loaded: LoadedSpec, others: Mapping[str, Spec]) -> str:
    """What is wrong with a proposal, for the model that made it; empty if nothing is."""
    prose = {m.name: m.rules for m in loaded.spec.models}
    for rule in proposal.rules:
        if rule.rule not in prose.get(rule.model, ()):
            return f"{rule.model} has no rule {rule.rule!r}: give the rule word for word"
        columns = {
            c.name.lower() for m in loaded.spec.models if m.name == rule.model for c in m.columns
        }
        if bool(rule.column) != bool(rule.expr) or (
            rule.column and rule.column.lower() not in columns
        ):
            return f"{rule.rule!r}: column and expr go together, and name a column of the model"
    read = [(rule.model, rule.rule) for rule in proposal.rules]
    for name, rules in prose.items():
        for text in rules:
            if read.count((name, text)) != 1:
                return f"restate each rule once: {name}: {text!r}"
    unknown = {q.model for q in proposal.questions} - prose.keys()
    if unknown:
        return f"no model is called {', '.join(sorted(unknown))}"
    known = {str(finding) for finding in lint(loaded, others).errors}
    new = [f for f in lint(as_read(loaded, proposal), others).errors if str(f) not in known]
    return f"as you restate it, the spec would be wrong: {new[0].message}" if new else ""


class Box:
    """The one tool of the plan, as the loop takes it."""

    def __init__(self, loaded: LoadedSpec, others: Mapping[str, Spec]) -> None:
        self._loaded, self._others = loaded, others
        self.proposal: Proposal | None = None

    def definitions(self) -> tuple[Json, ...]:
        """The tool; its schema is strict."""
        schema: Any = Proposal.model_json_schema()
        text = "Say how each rule in prose is to be carried out, and what has to be asked first."
        return ({"name": TOOL, "description": text, "input_schema": schema, "strict": True},)

    def malformed(self, call: ToolCall) -> str:
        """Why a proposal cannot be taken."""
        if call.name != TOOL:
            return f"there is no tool {call.name}; there is {TOOL}"
        try:
            found = Proposal.model_validate(call.input)
        except ValidationError as error:
            return "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        return faults(found, self._loaded, self._others)

    def reads_only(self, call: ToolCall) -> bool:  # noqa: ARG002 - the protocol's
        """Nothing runs beside it."""
        return False

    def run(self, call: ToolCall) -> ToolResult:
        """Takes the proposal; a later one takes its place."""
        self.proposal = Proposal.model_validate(call.input)
        return ToolResult("Noted. End here.")
