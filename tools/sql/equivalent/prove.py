"""Whether a named argument shows that a fault cannot be seen."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.errors import SqlglotError

from tools.sql.analyse import nondeterministic_functions
from tools.sql.equivalent import smt
from tools.sql.equivalent.facts import Facts
from tools.sql.equivalent.pair import Pair
from tools.sql.equivalent.registry import registered
from tools.sql.equivalent.scopes import Scopes
from tools.sql.parse import Node, SqlError, shared_tree

_ONE_AT_A_TIME = threading.Lock()  # trees are shared, and nobody promises that z3 may be


@dataclass(frozen=True)
class Argument:
    """An argument that holds: its name, and why it applies here."""

    name: str
    reason: str


class Prover:
    """Tries the registered arguments on mutants of one program.

    Args:
        facts: constraints that hold in every data set.
    """

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._known: dict[tuple[str, str], Argument | None] = {}
        self._originals: dict[str, tuple[Node, Scopes]] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be tried, for people."""
        if smt.available():
            return ()
        return ("z3 is not installed (extra proof): changed conditions and CASEs stay undecided",)

    def prove(self, original: Sequence[str], mutated: Sequence[str]) -> Argument | None:
        """The argument that two programs give the same rows; None when there is none.

        Every form that differs needs its own argument.

        Args:
            original: the forms of the program.
            mutated: those of the mutant, in the same order.
        """
        with _ONE_AT_A_TIME:
            return self._prove(original, mutated)

    def _prove(self, original: Sequence[str], mutated: Sequence[str]) -> Argument | None:
        found: list[Argument] = []
        for one, other in zip(original, mutated, strict=True):
            if one != other:
                if (one, other) not in self._known:
                    self._known[one, other] = self._single(one, other)
                argument = self._known[one, other]
                if argument is None:
                    return None
                found.append(argument)
        names = dict.fromkeys(a.name for a in found)
        return Argument(" and ".join(names), found[0].reason) if found else None

    def _single(self, original: str, mutated: str) -> Argument | None:
        try:
            one, scopes = self._original(original)
            other = shared_tree(mutated)
            if _undetermined(one) or _undetermined(other):
                return None
            pair = Pair(one, other, scopes, Scopes(self._facts))
            for argument in registered():
                reason = argument.holds(pair)
                if reason is not None:
                    return Argument(argument.name, reason)
        except (SqlError, SqlglotError, RecursionError):
            return None
        return None

    def _original(self, sql: str) -> tuple[Node, Scopes]:
        """The tree of an original, which nobody changes, with what is known of its selects."""
        if sql not in self._originals:
            self._originals[sql] = shared_tree(sql), Scopes(self._facts)
        return self._originals[sql]


def _undetermined(tree: Node) -> bool:
    """Whether a query may give other rows each time that it is asked."""
    return bool(nondeterministic_functions(tree)) or tree.find(exp.TableSample) is not None
