"""The registered operators: every module in :mod:`tools.sql.mutate.operators` is one.

An operator module has ``NAME``, ``changes(query)`` that yields changes, and a docstring whose
first line names the fault and whose text has a paragraph *Stands for*.
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
from tools.sql.mutate import operators as folder
from tools.sql.mutate.change import Change
from tools.sql.mutate.query import Query


@dataclass(frozen=True)
class Operator:
    """A registered operator."""

    name: str
    changes: Callable[[Query], Iterable[Change]]
    doc: str

    @property
    def summary(self) -> str:
        """The first line of its documentation."""
        return self.doc.splitlines()[0]


@lru_cache(maxsize=1)
def registered() -> Mapping[str, Operator]:
    """The operators by name, in alphabetical order.

    Raises:
        InternalError: a module of the folder is not an operator, or two have one name.
    """
    found: dict[str, Operator] = {}
    for info in sorted(pkgutil.iter_modules(folder.__path__), key=lambda m: m.name):
        operator = _operator(importlib.import_module(f"{folder.__name__}.{info.name}"))
        if operator.name in found:
            raise InternalError(f"two operators are called {operator.name}", "rename one of them")
        found[operator.name] = operator
    return found


def _operator(module: Any) -> Operator:
    doc = inspect.cleandoc(module.__doc__ or "")
    missing = [a for a in ("NAME", "changes") if not hasattr(module, a)]
    missing += ["'Stands for'"] if "Stands for" not in doc else []
    if missing:
        raise InternalError(
            f"{module.__name__} lacks {', '.join(missing)}",
            "an operator module has NAME, changes() and a docstring that says what it stands for",
        )
    return Operator(module.NAME, module.changes, doc)
