"""The kinds of step that a workflow is made of, one frozen class each, and what they may touch."""

from __future__ import annotations

import posixpath
import re
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    StringConstraints,
)

TOOL_NAMES = frozenset(
    "read_file list_files search write_file edit_file read_spec check_spec edit_spec plan "
    "compile_step verify dbt pytest query lineage git_status git_diff commit ask_person remember "
    "shell".split()
)
"""The tools that an agent step may be given."""

PROTECTED = (
    "specs/**",
    "constitution/**",
    "workflows/**",
    "tests/**",
    "**/tests/**",
    "**/test_*.py",
    "**/macros/*_tests.sql",
    ".ci/**",
    ".github/**",
)
"""What no repair may touch, whatever a workflow says: it would prove itself right."""

StepKind = Literal[
    "agent", "rules", "run", "gate", "plan", "generate", "test", "repair", "review", "commit"
]
TierName = Literal["static", "rules", "build", "oracle", "properties", "mutants", "equality"]

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=64)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=1024, pattern=r"^[^\x00\r\n]+$")]
Argument = Annotated[str, StringConstraints(min_length=1, max_length=4096, pattern=r"^[^\x00]+$")]


def _kebab(name: str) -> str:
    return name.rstrip("_").replace("_", "-")


class Part(BaseModel):
    """A part of a workflow: frozen, strict, unknown keys refused, keys written with hyphens."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=_kebab)


class _Step(Part):
    name: Slug


class AgentStep(_Step):
    """The model works by the section of the step's name, with the tools listed."""

    kind: Literal["agent"]
    tools: tuple[str, ...] = Field(default=(), description="Empty: all of allowed-tools.")


class RulesStep(_Step):
    """The constitution is evaluated on what there is at this point: spec, plan, code."""

    kind: Literal["rules"]
    articles: tuple[Annotated[str, StringConstraints(pattern=r"^A\d+$")], ...] = Field(
        default=(), description="Only these articles; empty: all of them."
    )

    def selects(self, code: str) -> bool:
        """Whether a finding of that code, such as ``A2.R1``, counts in this step."""
        return not self.articles or code.split(".", 1)[0] in self.articles


class RunStep(_Step):
    """A program is run in the work tree: an argument list, never a shell string."""

    kind: Literal["run"]
    argv: tuple[Argument, ...] = Field(min_length=1)
    timeout: FiniteFloat = Field(default=600.0, gt=0, le=86_400, description="Seconds.")


class GateStep(_Step):
    """A person approves the spec or the code; bound to its sha256, void when that changes."""

    kind: Literal["gate"]
    of: Literal["spec", "code"]
    who: Line = Field(default="owner", description="Who is asked; ``owner`` is the spec's owner.")


class PlanStep(_Step):
    """The spec becomes an ordered list of files to make."""

    kind: Literal["plan"]


class GenerateStep(_Step):
    """What the plan lists is compiled, and authored where it says so."""

    kind: Literal["generate"]


class TestStep(_Step):
    """The tiers of the proof are run."""

    __test__ = False  # the name is the domain's, not a case for pytest to collect

    kind: Literal["test"]
    level: Literal["quick", "full"] = "full"
    tiers: tuple[TierName, ...] = Field(
        default=(), description="Tiers that must have run and passed; empty: those of the level."
    )

    def missing(self, ran: tuple[str, ...]) -> tuple[str, ...]:
        """The tiers that this step asks for and that are not among those that ran."""
        return tuple(tier for tier in self.tiers if tier not in ran)


class RepairStep(_Step):
    """Findings are fixed, then the test before this step runs again, up to ``rounds`` times."""

    kind: Literal["repair"]
    rounds: int = Field(default=3, gt=0, le=100)
    may_not_touch: tuple[Line, ...] = Field(
        default=(), description="Globs; tests, specs, constitution and CI are always added."
    )

    def refuses(self, path: str) -> bool:
        """Whether a repair may not write that workspace-relative posix path."""
        return matches_any(path, (*PROTECTED, *self.may_not_touch))


class ReviewStep(_Step):
    """The review page is written."""

    kind: Literal["review"]


class CommitStep(_Step):
    """The files of the run are committed on the branch of the pipeline."""

    kind: Literal["commit"]


StepOptions = Annotated[
    AgentStep
    | RulesStep
    | RunStep
    | GateStep
    | PlanStep
    | GenerateStep
    | TestStep
    | RepairStep
    | ReviewStep
    | CommitStep,
    Field(discriminator="kind"),
]
STEP_CLASSES: dict[str, type[_Step]] = {
    "agent": AgentStep,
    "rules": RulesStep,
    "run": RunStep,
    "gate": GateStep,
    "plan": PlanStep,
    "generate": GenerateStep,
    "test": TestStep,
    "repair": RepairStep,
    "review": ReviewStep,
    "commit": CommitStep,
}


class WorkflowStep(BaseModel):
    """One step of the path: its options as written, and the prose of its section.

    ``options`` is the class of the kind (``RunStep.argv``, ``TestStep.level``, ...); ``title`` is
    what is shown in one line; ``instructions`` is the text of the section, ``""`` without one;
    ``line`` is where the step stands in the file.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    options: StepOptions
    title: str = ""
    instructions: str = ""
    line: int = 0

    @property
    def name(self) -> str:
        """The name of the step, unique in its workflow."""
        return self.options.name

    @property
    def kind(self) -> StepKind:
        """What the graph does at this step."""
        return self.options.kind


def matches_any(path: str, globs: tuple[str, ...]) -> bool:
    """Whether a relative posix path matches one of the globs.

    ``*`` stays within a folder, ``**`` does not. Compared without case, as some file systems do,
    and after ``.`` and ``..`` are resolved; a path that leaves the workspace matches always.
    """
    clean = posixpath.normpath(path.replace("\\", "/"))
    if clean.startswith(("../", "/")) or clean == "..":
        return True
    return any(re.fullmatch(_regex(glob), clean, re.IGNORECASE) for glob in globs)


def _regex(glob: str) -> str:
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    meaning = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(meaning.get(part, re.escape(part)) for part in parts)
