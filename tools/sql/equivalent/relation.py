"""What follows of a relation: its columns, which of them can be NULL, what identifies its rows."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, order=True)
class Least:
    """A lower bound of numbers; NULL keeps to every bound.

    Args:
        number: no value is below it.
        above: whether no value is equal to it either.
    """

    number: Decimal
    above: bool = False


@dataclass(frozen=True)
class Output:
    """A column of a relation.

    Args:
        name: as it is written.
        type: DuckDB type, lower case, where it is certain.
        nullable: whether it may be NULL; False only when it surely is not.
        origin: the declared relation and column whose values it copies, unchanged.
        whole: whether every value of its origin is in it.
        row: which reading of the origin it copies: outputs of one relation with the same ``row``
            come from the same row of the origin.
        constant: the text that it holds in every row, where that is certain.
        least: what its numbers are not below, where something is known.
    """

    name: str
    type: str | None = None
    nullable: bool = True
    origin: tuple[str, str] | None = None
    whole: bool = False
    row: tuple[int, ...] = ()
    constant: str | None = None
    least: Least | None = None


@dataclass(frozen=True)
class Relation:
    """The rows of a table, a CTE or a subquery.

    Args:
        columns: those that are known, in order.
        complete: whether those are all.
        keys: sets of column names (lower case) of which no two rows have the same values, NULL
            counted as a value; the empty set says that there is at most one row.
    """

    columns: tuple[Output, ...] = ()
    complete: bool = False
    keys: frozenset[frozenset[str]] = frozenset()

    def column(self, name: str) -> Output | None:
        """The column of a name, compared without case."""
        lowered = name.lower()
        return next((c for c in self.columns if c.name.lower() == lowered), None)


UNKNOWN = Relation()
