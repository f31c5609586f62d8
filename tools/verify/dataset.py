"""Rows to prove with: tables of Python values, and data sets of such tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from tools.sql.render import type_sql

Row = tuple[Any, ...]
"""Values as DuckDB gives them to Python: Decimal, datetime, date, str, int, float, bool, None."""


def kind_of(text: str, dialect: str = "duckdb") -> str:
    """The DuckDB type of a type; DuckDB's text has no length, so none is said.

    Raises:
        SqlError: when the dialect has no such type.
    """
    kind = type_sql(text, dialect, "duckdb")
    bare = kind.split("(", 1)[0]
    return "varchar" if bare in ("varchar", "text", "char", "bpchar", "nvarchar") else kind


@dataclass(frozen=True)
class Table:
    """Rows under names and types.

    Args:
        columns: (name, DuckDB type), in order.
        rows: one value a column, in the same order.
    """

    columns: tuple[tuple[str, str], ...]
    rows: tuple[Row, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its columns."""
        return tuple(name for name, _ in self.columns)

    def index(self, name: str) -> int | None:
        """Where a column stands, compared without case; None when it is not there."""
        return self._places.get(name.lower())

    @cached_property
    def _places(self) -> dict[str, int]:
        """Where each column stands, by its name in lower case; of several the first one."""
        last_first = reversed(list(enumerate(self.names)))
        return {name.lower(): at for at, name in last_first}

    def with_rows(self, rows: Iterable[Row]) -> Table:
        """The same columns with other rows."""
        return replace(self, rows=tuple(rows))

    def dicts(self) -> list[dict[str, Any]]:
        """The rows by column name."""
        return [dict(zip(self.names, row, strict=True)) for row in self.rows]


@dataclass(frozen=True)
class Dataset:
    """Tables by what a spec calls them: ``shop.order`` or the name of a model.

    Args:
        tables: by reference.
        why: what a row is there to show, by reference and index of the row.
        name: for people.
    """

    tables: Mapping[str, Table]
    why: Mapping[tuple[str, int], str] = field(default_factory=dict)
    name: str = ""

    def table(self, reference: str) -> Table | None:
        """The table of a reference, compared without case."""
        lowered = reference.lower()
        return next((t for r, t in self.tables.items() if r.lower() == lowered), None)

    @property
    def size(self) -> int:
        """The number of rows of all tables."""
        return sum(len(t.rows) for t in self.tables.values())

    def keeping(self, kept: Mapping[str, Iterable[int]]) -> Dataset:
        """The rows of the given indexes only; tables that are not named stay as they are."""
        tables, why = dict(self.tables), {}
        chosen = {ref: sorted(set(indexes)) for ref, indexes in kept.items()}
        for ref, indexes in chosen.items():
            table = self.tables[ref]
            tables[ref] = table.with_rows(table.rows[i] for i in indexes)
        for (ref, index), text in self.why.items():
            if ref not in chosen:
                why[ref, index] = text
            elif index in chosen[ref]:
                why[ref, chosen[ref].index(index)] = text
        return replace(self, tables=tables, why=why)
