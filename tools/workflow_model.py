"""What a workflow is: a typed, frozen path of steps, read from a markdown file.

The frontmatter is :class:`Frontmatter` (also published as JSON Schema); what the rest of
specmill works with is :class:`Workflow`, which adds the prose of the sections and the places in
the file.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat

from tools.findings import Location
from tools.workflow_steps import AgentStep, Line, Part, Slug, StepOptions, WorkflowStep

Positions = dict[tuple[str | int, ...], tuple[int, int]]
"""A path in the frontmatter to its line and column, both from 1."""

Strategy = Literal["full", "append", "incremental", "scd1", "scd2"]
Layer = Literal["staging", "intermediate", "marts"]
SpecPart = Literal[
    "sources",
    "models",
    "joins",
    "rules",
    "custom",
    "examples",
    "validation",
    "orchestration",
    "semantic",
    "consumers",
]
Cadence = Literal["minutes", "hourly", "daily", "weekly", "monthly", "other"]


def _several(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(value)
    return (value,) if isinstance(value, str) else value


class AppliesTo(Part):
    """Which specs a workflow is for: each condition given must hold of the spec.

    Where several workflows apply, the highest ``priority`` wins, then the most conditions, then
    the name. A workflow without conditions is chosen by name only.
    """

    load: Annotated[
        tuple[Strategy, ...],
        BeforeValidator(_several, json_schema_input_type=Strategy | list[Strategy]),
    ] = Field(default=(), description="A model is loaded in one of these ways.")
    layer: Annotated[
        tuple[Layer, ...], BeforeValidator(_several, json_schema_input_type=Layer | list[Layer])
    ] = Field(default=(), description="A model is in one of these layers.")
    only_layer: Annotated[
        tuple[Layer, ...], BeforeValidator(_several, json_schema_input_type=Layer | list[Layer])
    ] = Field(default=(), description="No model is in any other layer.")
    has: Annotated[
        tuple[SpecPart, ...],
        BeforeValidator(_several, json_schema_input_type=SpecPart | list[SpecPart]),
    ] = Field(default=(), description="The spec fills all of these parts.")
    lacks: Annotated[
        tuple[SpecPart, ...],
        BeforeValidator(_several, json_schema_input_type=SpecPart | list[SpecPart]),
    ] = Field(default=(), description="The spec fills none of these parts.")
    system: Annotated[
        tuple[Line, ...], BeforeValidator(_several, json_schema_input_type=str | list[str])
    ] = Field(default=(), description="A source is one of these systems.")
    cadence: Annotated[
        tuple[Cadence, ...],
        BeforeValidator(_several, json_schema_input_type=Cadence | list[Cadence]),
    ] = Field(default=(), description="The schedule fires this often.")
    priority: int = Field(default=0, ge=-1000, le=1000)


class Parameter(Part):
    """A value for ``${name}`` in sections and argv; required where it has no default."""

    description: Line
    default: str | None = Field(default=None, max_length=1024, pattern=r"^[^\x00\r\n]*$")


class Budget(Part):
    """What a run may use up; one that is spent ends the run with exit code 5."""

    repairs: int = Field(default=3, gt=0, le=100, description="Rounds of repair in all.")
    seconds: FiniteFloat = Field(default=1800.0, gt=0, le=604_800, description="Wall-clock time.")
    turns: int = Field(default=60, gt=0, le=10_000, description="Turns of the model.")
    money: FiniteFloat = Field(default=5.0, gt=0, le=10_000, description="US dollars.")


class Frontmatter(Part):
    """The YAML between the ``---`` lines of ``workflows/<name>.md``."""

    name: Slug
    description: Line
    applies_to: AppliesTo = AppliesTo()
    parameters: dict[Slug, Parameter] = {}
    allowed_tools: tuple[str, ...] = ()
    budget: Budget = Budget()
    steps: tuple[StepOptions, ...] = Field(min_length=1, max_length=100)


class Workflow(BaseModel):
    """A path for the graph. ``digest`` is the sha256 (hex) of the file's text."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    description: str
    path: str
    intro: str = ""
    applies_to: AppliesTo = AppliesTo()
    parameters: dict[str, Parameter] = {}
    allowed_tools: tuple[str, ...] = ()
    budget: Budget = Budget()
    steps: tuple[WorkflowStep, ...]
    digest: str
    positions: Positions = Field(default={}, repr=False)

    def step(self, name: str) -> WorkflowStep | None:
        """The step of that name."""
        return next((step for step in self.steps if step.name == name), None)

    def tools_of(self, step: WorkflowStep) -> tuple[str, ...]:
        """The tools that a step's model may call, in the order of the file."""
        own = step.options.tools if isinstance(step.options, AgentStep) else ()
        return own or self.allowed_tools

    def at(self, *place: str | int) -> Location:
        """Where that part of the frontmatter stands: itself, else its nearest known ancestor."""
        while place and place not in self.positions:
            place = place[:-1]
        return Location(self.path, *self.positions.get(place, (1, 1)))


__all__ = [
    "AppliesTo",
    "Budget",
    "Cadence",
    "Frontmatter",
    "Parameter",
    "Positions",
    "SpecPart",
    "Workflow",
    "WorkflowStep",
]
