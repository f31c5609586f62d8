"""What is wrong with one spec, or open in it, beyond its shape.

The checks are in :mod:`tools.spec.checks`, a file for each concern; a new file is found by the
registry of that folder. ``tools.spec.checks.codes`` lists every code with what it says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from tools.findings import Finding, Report
from tools.registry import modules
from tools.spec import checks
from tools.spec.checks.expressions import dialect_is_known
from tools.spec.checks.parts import Expression, expressions
from tools.spec.checks.view import ModelView, SpecView
from tools.spec.graph import model_cycles
from tools.spec.load import LoadedSpec
from tools.spec.model import Spec

_NO_OTHERS: Final[Mapping[str, Spec]] = MappingProxyType({})


@dataclass(frozen=True)
class _Rules:
    """The rules of the folder, by what they look at."""

    spec: tuple[Callable[[SpecView], Iterator[Finding]], ...]
    model: tuple[Callable[[ModelView], Iterator[Finding]], ...]
    expression: tuple[Callable[[Expression], Iterator[Finding]], ...]


@lru_cache(maxsize=1)
def _rules() -> _Rules:
    found = modules(checks)
    return _Rules(
        spec=tuple(r for m in found for r in getattr(m, "SPEC_RULES", ())),
        model=tuple(r for m in found for r in getattr(m, "MODEL_RULES", ())),
        expression=tuple(r for m in found for r in getattr(m, "EXPRESSION_RULES", ())),
    )


def lint(loaded: LoadedSpec, others: Mapping[str, Spec] = _NO_OTHERS) -> Report:
    """What a spec gets wrong, or leaves open.

    An unknown dialect or a cycle between models is reported alone: nothing else can be judged
    before it is gone.

    Args:
        loaded: the spec, its unknown columns resolved where they can be.
        others: models of other specs that this one may read, by name, with their spec.
    """
    first = (*dialect_is_known(loaded), *model_cycles(loaded.spec, loaded))
    return Report.of(first or _findings(SpecView(loaded, others)))


def _findings(view: SpecView) -> Iterator[Finding]:
    rules = _rules()
    for spec_rule in rules.spec:
        yield from spec_rule(view)
    for model in view.models:
        for model_rule in rules.model:
            yield from model_rule(model)
        for expression in expressions(model):
            for expression_rule in rules.expression:
                yield from expression_rule(expression)
