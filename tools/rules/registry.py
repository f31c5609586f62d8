"""The registered checks: every module in :mod:`tools.rules.checks` is one.

A check module has ``NAME``, ``ON`` (the kinds of item it can be asked about), ``Params`` (a
pydantic model of what ``with:`` may say), ``check(item, params)`` that yields breaches, and a
docstring that holds *Anti-pattern* and *Best practice*: it is the check's documentation.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tools.errors import InternalError
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
    found: dict[str, Check] = {}
    for module_info in pkgutil.iter_modules(folder.__path__):
        module = importlib.import_module(f"{folder.__name__}.{module_info.name}")
        check = _check(module)
        if check.name in found:
            raise InternalError(f"two checks are called {check.name}", "rename one of them")
        found[check.name] = check
    return found


def _check(module: Any) -> Check:
    doc = inspect.cleandoc(module.__doc__ or "")
    missing = [a for a in ("NAME", "ON", "Params", "check") if not hasattr(module, a)]
    missing += [part for part in ("Anti-pattern", "Best practice") if part not in doc]
    if missing:
        raise InternalError(
            f"{module.__name__} lacks {', '.join(missing)}",
            "a check module has NAME, ON, Params, check() and a docstring with both patterns",
        )
    unknown = set(module.ON) - set(VARIABLES)
    if unknown:
        raise InternalError(f"{module.__name__}: unknown kinds in ON: {', '.join(sorted(unknown))}")
    return Check(module.NAME, frozenset(module.ON), module.Params, module.check, doc)
