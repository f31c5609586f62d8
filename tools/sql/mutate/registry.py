"""The registered operators: every module in :mod:`tools.sql.mutate.operators` is one.

An operator module has ``NAME``, ``changes(query)`` that yields changes, and a docstring whose
first line names the fault and whose text has a paragraph *Stands for*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from tools.registry import documented, named
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
    found = named(folder, "operator", has=("changes",), says=("Stands for",))
    return {n: Operator(n, m.changes, documented(m)) for n, m in found.items()}
