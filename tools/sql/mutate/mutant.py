"""A mutant: the query with one fault in it, and how it differs from the original."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from functools import lru_cache

from tools.sql.parse import parse_query
from tools.sql.render import render

_WIDTH = 60


@dataclass(frozen=True)
class Mutant:
    """A query with one fault planted.

    Args:
        operator: the operator's name.
        description: what was changed, in a few words.
        sql: the whole query with the fault.
        original: the whole query without it, written in the same way.
        line: where, in the text that was given; from 1, 0 is unknown.
        column: where in the line, likewise.
        path: the place in the syntax tree, such as ``with[0].this.joins[1]``.
    """

    operator: str
    description: str
    sql: str
    original: str
    line: int = 0
    column: int = 0
    path: str = ""

    @property
    def location(self) -> tuple[int, int]:
        """Line and column in the text that was given."""
        return self.line, self.column

    @property
    def diff(self) -> str:
        """The difference of the laid-out queries, as few lines as show it."""
        return difference(self.original, self.sql)

    def __str__(self) -> str:
        return f"{self.operator} at {self.line}:{self.column}: {self.description}"


def difference(original: str, mutated: str, context: int = 1) -> str:
    """The unified difference of two DuckDB queries, laid out alike, without file headers."""
    lines = difflib.unified_diff(
        laid_out(original).splitlines(), laid_out(mutated).splitlines(), lineterm="", n=context
    )
    return "\n".join(list(lines)[2:])


@lru_cache(maxsize=256)
def laid_out(sql: str) -> str:
    """A DuckDB query over several lines, as a person would write it."""
    return render(parse_query(sql, "duckdb"), "duckdb", width=_WIDTH)
