"""From a plan to artifacts: finds the generator of each step's kind and calls it; pure."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import tools.generate
from tools.artifact import Artifact
from tools.errors import InternalError
from tools.plan import Plan, Step
from tools.spec.model import Spec
from tools.spec.scope import NO_OTHERS


@dataclass(frozen=True)
class Job:
    """What a generator gets: one step and everything that it may look at.

    ``others`` maps the models of other pipelines to the specs that make them.
    """

    step: Step
    plan: Plan
    spec: Spec
    others: Mapping[str, Spec]

    @property
    def stamp(self) -> str:
        """Which spec this comes from: ``dim_order 1.0.0 (spec 0123456789ab)``."""
        return f"{self.spec.pipeline} {self.spec.version} (spec {self.plan.digest[:12]})"


Generator = Callable[[Job], str]


@cache
def generators() -> Mapping[str, Generator]:
    """Every generator by the kind of step it makes: the ``MAKES`` of each module below here."""
    found: dict[str, Generator] = {}
    for module in _modules():
        for kind, generator in getattr(importlib.import_module(module), "MAKES", {}).items():
            if kind in found:
                raise InternalError(f"two generators make steps of kind {kind}")
            found[kind] = generator
    return found


def _modules() -> Iterator[str]:
    for info in pkgutil.walk_packages(tools.generate.__path__, "tools.generate."):
        if not info.ispkg and info.name != __name__:
            yield info.name


def generate(
    plan: Plan,
    spec: Spec,
    others: Mapping[str, Spec] = NO_OTHERS,
    done: Collection[str] = (),
) -> tuple[Artifact, ...]:
    """The files of a plan's compiled steps, in plan order; the same plan gives the same bytes.

    Steps that need a model, and steps that wait for one, make nothing.

    Args:
        plan: the plan.
        spec: what it was made from.
        others: models of other specs by name.
        done: ids of authored steps whose files are there, so that nothing waits for them.
    """
    waiting = plan.waiting(done)
    made = []
    for step in plan.steps:
        if step.how == "authored" or step.id in waiting:
            continue
        content = compile_step(step, plan, spec, others)
        owner = plan.pipeline if _is_own(step) else "workspace"
        made.append(Artifact(step.path, content, "compiled", owner))
    return tuple(made)


def compile_step(step: Step, plan: Plan, spec: Spec, others: Mapping[str, Spec] = NO_OTHERS) -> str:
    """The text of one step, as the compiler makes it; of an authored one, what it could have been.

    Raises:
        InternalError: no generator makes steps of its kind.
    """
    generator = generators().get(step.kind)
    if generator is None:
        raise InternalError(f"no generator makes steps of kind {step.kind}")
    return generator(Job(step, plan, spec, others))


def _is_own(step: Step) -> bool:
    """Whether a file belongs to one pipeline; the others come out the same for every pipeline."""
    shared = ("dbt_project", "dbt_profiles", "dbt_macro", "dbt_source", "dbt_staging")
    return not step.kind.startswith(shared)
