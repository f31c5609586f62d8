"""Rows with named values, and how the names that a spec writes find them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from tools.sql.analyse import ColumnRef, columns_in, rename
from tools.sql.parse import Node, SqlError, column, parse_expression
from tools.verify.dataset import Row, Table
from tools.verify.oracle.engine import CannotEvaluate, column_name


@dataclass(frozen=True)
class Slot:
    """A value of a row: the alias and the name that it goes by, and its DuckDB type."""

    alias: str
    name: str
    kind: str


@dataclass(frozen=True)
class Frame:
    """Rows, and what each of their values is called."""

    slots: tuple[Slot, ...]
    rows: tuple[Row, ...]

    @staticmethod
    def of(table: Table, alias: str) -> Frame:
        """A table under an alias."""
        return Frame(tuple(Slot(alias, n, kind) for n, kind in table.columns), table.rows)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The types of the values."""
        return tuple(s.kind for s in self.slots)

    def keeping(self, indexes: Iterable[int]) -> Frame:
        """Some of the rows, in the order of the indexes."""
        return replace(self, rows=tuple(self.rows[i] for i in indexes))

    def find(self, name: str, alias: str | None, home: str) -> int:
        """Where the value of a name is.

        A name without an alias belongs to ``home`` if that has it, else to whichever has it.

        Raises:
            CannotEvaluate: nothing has it.
        """
        found = [i for i, s in enumerate(self.slots) if s.name.lower() == name.lower()]
        aliases: tuple[str | None, ...] = (alias,) if alias else (home, None)
        for wanted in aliases:
            for index in found:
                if wanted is None or self.slots[index].alias.lower() == wanted.lower():
                    return index
        shown = f"{alias}.{name}" if alias else name
        raise CannotEvaluate(f"nothing here is called {shown}", "name a column that is in scope")

    def named(self, text: str, home: str) -> int:
        """Where the value of ``column`` or ``alias.column`` is."""
        alias, _, name = text.rpartition(".")
        return self.find(name, alias or None, home)

    def values(self, index: int) -> list[Any]:
        """One value of every row."""
        return [row[index] for row in self.rows]


def parse(
    text: str, dialect: str, frame: Frame, home: str, origin: ColumnRef | None = None
) -> Node:
    """An expression of the spec over the values of a frame, which the engine can evaluate.

    Args:
        text: the expression; ``{column}`` is one of ``home``, ``{from}`` is the origin.
        dialect: the dialect of the spec.
        frame: what it can see.
        home: the alias that names without one belong to first.
        origin: what ``{from}`` stands for.

    Raises:
        CannotEvaluate: it does not parse, or names what is not there.
    """
    return _parsed(text, dialect, frame.slots, home, origin)


@lru_cache(maxsize=4096)  # the same expression is asked for with every data set
def _parsed(
    text: str, dialect: str, slots: tuple[Slot, ...], home: str, origin: ColumnRef | None
) -> Node:
    marks: dict[str, Node] = {
        s.name: column(s.name, home) for s in slots if s.alias.lower() == home.lower()
    }
    if origin is not None:
        marks["from"] = column(origin.name, origin.table)
    try:
        return bind(parse_expression(text, dialect, marks), Frame(slots, ()), home)
    except SqlError as error:
        raise CannotEvaluate(f"{text}: {error.message}", f"write it in {dialect}") from error


def bind(tree: Node, frame: Frame, home: str) -> Node:
    """A tree whose columns are replaced by what the engine calls them."""
    return rename(tree, places(columns_in(tree), frame, home))


def places(refs: Sequence[ColumnRef], frame: Frame, home: str) -> Mapping[ColumnRef, Node]:
    """What the engine calls each column."""
    return {r: column(column_name(frame.find(r.name, r.table, home))) for r in refs}


def same(value: Any) -> Any:
    """A form in which values are equal exactly if SQL's ``is not distinct from`` says so."""
    if isinstance(value, float) and value != value:  # noqa: PLR0124 - that is what NaN is
        return ("NaN",)
    if isinstance(value, list | tuple):
        return tuple(same(v) for v in value)
    if isinstance(value, dict):
        return tuple((k, same(v)) for k, v in value.items())
    return value
