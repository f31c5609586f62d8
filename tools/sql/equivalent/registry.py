"""The registered arguments: every module in :mod:`tools.sql.equivalent.arguments` is one.

An argument module has ``NAME``, ``COST`` (cheap ones are tried first), ``holds(pair)`` that gives
the reason or None, and a docstring: its first line is the claim, a paragraph *Why* shows it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from tools.registry import documented, named
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
    found = named(folder, "argument", has=("COST", "holds"), says=("Why:",))
    each = [Registered(n, m.COST, m.holds, documented(m)) for n, m in found.items()]
    return tuple(sorted(each, key=lambda a: (a.cost, a.name)))
