"""A mutant: a program with one fault in it, and how it differs from the original."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from functools import lru_cache

from tools.sql.mutate.program import Load, Program
from tools.sql.mutate.text import Cut
from tools.sql.parse import parse_query
from tools.sql.render import render

_WIDTH = 60


@dataclass(frozen=True)
class Mutant:
    """A program with one fault planted.

    Args:
        operator: the operator's name.
        description: what was changed, in a few words.
        program: what runs, with the fault.
        original: what ran without it, written in the same way.
        line: where, in the text that was given; from 1, 0 is unknown.
        column: where in the line, likewise.
        path: the place in the syntax tree, such as ``with_.expressions[0].this.joins[1]``.
        cut: the part of the query that the fault is in; None when that is all of it.
        later: the same for the form of a table that stands.
        unlucky: where the fault leaves the order of ties to chance, the program with an order that
            a database may as well take; else None.
    """

    operator: str
    description: str
    program: Program
    original: Program
    line: int = 0
    column: int = 0
    path: str = ""
    cut: Cut | None = None
    later: Cut | None = None
    unlucky: Program | None = None

    @property
    def by_chance(self) -> Mutant | None:
        """The mutant as a database may run it that breaks ties in another way."""
        if self.unlucky is None:
            return None
        return replace(self, program=self.unlucky, unlucky=None, cut=None, later=None)

    @property
    def sql(self) -> str:
        """The query with the fault; of an incremental model, the form that has it."""
        return self._forms()[1]

    @property
    def location(self) -> tuple[int, int]:
        """Line and column in the text that was given."""
        return self.line, self.column

    @property
    def diff(self) -> str:
        """The difference of the laid-out programs, as few lines as show it."""
        if self.program.load != self.original.load:
            return _difference(self.original.load, self.program.load)
        return difference(*self._forms())

    def _forms(self) -> tuple[str, str]:
        """The first form that the fault is in: as it was, as it is."""
        pairs = zip(self.original.queries, self.program.queries, strict=True)
        return next((p for p in pairs if p[0] != p[1]), (self.original.sql, self.program.sql))

    def __str__(self) -> str:
        return f"{self.operator} at {self.line}:{self.column}: {self.description}"


def difference(original: str, mutated: str, context: int = 1) -> str:
    """The unified difference of two DuckDB queries, laid out alike, without file headers."""
    return _unified(laid_out(original).splitlines(), laid_out(mutated).splitlines(), context)


def _difference(original: Load, mutated: Load) -> str:
    return _unified(original.lines(), mutated.lines(), 1)


def _unified(before: list[str], after: list[str], context: int) -> str:
    lines = difflib.unified_diff(before, after, lineterm="", n=context)
    return "\n".join(list(lines)[2:])


@lru_cache(maxsize=256)
def laid_out(sql: str) -> str:
    """A DuckDB query over several lines, as a person would write it."""
    return render(parse_query(sql, "duckdb"), "duckdb", width=_WIDTH)
