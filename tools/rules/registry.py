"""The registered checks: every module in :mod:`tools.rules.checks` is one.

A check module has ``NAME``, ``ON`` (the kinds of item it can be asked about), ``Params`` (a
pydantic model of what ``with:`` may say), ``check(item, params)`` that yields breaches, and a
docstring that holds *Anti-pattern* and *Best practice*: it is the check's documentation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tools.errors import InternalError
from tools.registry import documented, named
from tools.rules import checks as folder
from tools.rules.breach import Breach, Options
from tools.rules.items import VARIABLES, Item


@dataclass(frozen=True)
class Check:
    """A registered check."""

    name: str
    on: frozenset[str]
    params: type[Options]
    run: Callable[[Item, Any], Iterable[Breach]]
    doc: str

    @property
    def summary(self) -> str:
        """The first line of its documentation."""
        return self.doc.splitlines()[0]


@lru_cache(maxsize=1)
def registered() -> Mapping[str, Check]:
    """The checks by name.

    Raises:
        InternalError: a module of the folder is not a check, or two have one name.
    """
    found = named(
        folder, "check", has=("ON", "Params", "check"), says=("Anti-pattern", "Best practice")
    )
    return {name: _check(module) for name, module in found.items()}


def _check(module: Any) -> Check:
    unknown = set(module.ON) - set(VARIABLES)
    if unknown:
        raise InternalError(f"{module.__name__}: unknown kinds in ON: {', '.join(sorted(unknown))}")
    return Check(module.NAME, frozenset(module.ON), module.Params, module.check, documented(module))
