"""What is declared of the relations that a query reads: arguments rest on this and nothing else.

A fact has to hold in every data set that the query is ever compared on: a key that the fixtures
do not keep would let a fault pass as harmless.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp


@dataclass(frozen=True)
class Column:
    """A column: DuckDB type where it is known, and whether it can be NULL.

    Args:
        name: as it is written.
        type: DuckDB type.
        nullable: whether it can be NULL.
        copies: another column of the relation that has the same value in every row.
        constant: the text that it holds in every row.
    """

    name: str
    type: str | None = None
    nullable: bool = True
    copies: str = ""
    constant: str | None = None


@dataclass(frozen=True)
class Reference:
    """A relationship: every row of the relation has its ``columns`` among ``to``'s."""

    columns: tuple[str, ...]
    to: str
    to_columns: tuple[str, ...]


@dataclass(frozen=True)
class Declared:
    """A relation.

    Args:
        columns: all of them, in order; empty when they are not known.
        keys: sets of columns of which no two rows have the same values, NULL counted as a value.
        references: relationships to other relations.
    """

    columns: tuple[Column, ...] = ()
    keys: tuple[tuple[str, ...], ...] = ()
    references: tuple[Reference, ...] = ()


Facts = Mapping[str, Declared]
"""By the name that the query uses, lower case, without quotes: ``raw.orders``."""


def declared(facts: Facts, table: exp.Table) -> tuple[str, Declared] | None:
    """The facts of a table under the name that they have: all its parts, else its last ones."""
    parts = [p.name.lower() for p in table.parts]
    known = {name.lower(): name for name in facts}
    for start in range(len(parts)):
        name = known.get(".".join(parts[start:]))
        if name is not None:
            return name.lower(), facts[name]
    return None


def declared_name(facts: Facts, name: str) -> str:
    """The name under which a relation that a reference names is declared, lower case."""
    found = declared(facts, exp.to_table(name, dialect="duckdb"))
    return found[0] if found is not None else name.lower()
