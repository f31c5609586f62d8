"""The registered arguments: every module in :mod:`tools.sql.equivalent.arguments` is one.

An argument module has ``NAME``, ``COST`` (cheap ones are tried first), ``holds(pair)`` that gives
the reason or None, and a docstring: its first line is the claim, a paragraph *Why* shows it.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tools.errors import InternalError
from tools.sql.equivalent import arguments as folder
from tools.sql.equivalent.pair import Pair


@dataclass(frozen=True)
class Registered:
    """A registered argument."""

    name: str
    cost: int
    holds: Callable[[Pair], str | None]
    doc: str

    @property
    def claim(self) -> str:
        """The first line of its documentation."""
        return self.doc.splitlines()[0]


@lru_cache(maxsize=1)
def registered() -> tuple[Registered, ...]:
    """The arguments, cheap ones first.

    Raises:
        InternalError: a module of the folder is not an argument, or two have one name.
    """
    found: dict[str, Registered] = {}
    for info in sorted(pkgutil.iter_modules(folder.__path__), key=lambda m: m.name):
        argument = _argument(importlib.import_module(f"{folder.__name__}.{info.name}"))
        if argument.name in found:
            raise InternalError(f"two arguments are called {argument.name}", "rename one of them")
        found[argument.name] = argument
    return tuple(sorted(found.values(), key=lambda a: (a.cost, a.name)))


def _argument(module: Any) -> Registered:
    doc = inspect.cleandoc(module.__doc__ or "")
    missing = [a for a in ("NAME", "COST", "holds") if not hasattr(module, a)]
    missing += ["'Why'"] if "Why:" not in doc else []
    if missing:
        raise InternalError(
            f"{module.__name__} lacks {', '.join(missing)}",
            "an argument module has NAME, COST, holds() and a docstring with claim and why",
        )
    return Registered(module.NAME, module.COST, module.holds, doc)
