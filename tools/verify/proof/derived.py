"""What follows of tables that the spec does not speak of, such as the change log of a history.

Which of their columns are never NULL, copies of each other or constant follows from their SQL, in
both forms, and from what is declared of the tables that they read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from tools.sql.equivalent.facts import Column, Declared
from tools.sql.equivalent.relation import Output, Relation
from tools.sql.equivalent.scopes import Scopes
from tools.sql.parse import SqlError, parse_query
from tools.verify.dataset import Table
from tools.verify.mutants.store import parts
from tools.verify.proof.compile import MOMENT_MACRO, Unit

CHANGE_ID: Final = "_change_id"
"""What tells the changes of a change log apart."""

_SOME_MOMENT = "timestamp '2030-01-01 00:00:00'"


def derived(unit: Unit, facts: Mapping[str, Declared]) -> tuple[Column, ...]:
    """The columns of a unit, with what surely holds of them.

    Args:
        unit: its query is read in both forms.
        facts: what is declared of the relations that it reads.
    """
    try:
        found = _of_form(unit.sql, facts)
        while unit.incremental:
            # What holds of the rows so far, and of those that come to them, holds of all of them.
            own = {**facts, _name(unit): Declared(tuple(found))}
            known = {c.name.lower(): c for c in _of_form(unit.incremental, own)}
            less = [_both(c, known[c.name.lower()]) for c in found if c.name.lower() in known]
            if less == found:
                break
            found = less
    except SqlError:
        return ()
    return tuple(found)


def _name(unit: Unit) -> str:
    return ".".join(parts(unit.relation)).lower()


def _of_form(sql: str, facts: Mapping[str, Declared]) -> list[Column]:
    """What follows of one form; the moment of the load is one, whichever it is."""
    sql = sql.replace(f"{MOMENT_MACRO}()", _SOME_MOMENT)
    return _columns(Scopes(facts).result(parse_query(sql, "duckdb")))


def _columns(relation: Relation) -> list[Column]:
    """The outputs of a query; of those that copy one value of one row, the first one is meant."""
    found: list[Column] = []
    copied: dict[tuple[object, ...], Output] = {}
    for output in relation.columns if relation.complete else ():
        place = (output.origin, output.row)
        copies = copied.get(place) if output.origin is not None else None
        copied.setdefault(place, output)
        name = copies.name.lower() if copies is not None else ""
        found.append(Column(output.name, None, output.nullable, name, output.constant))
    return found


def _both(one: Column, other: Column) -> Column:
    return replace(
        one,
        nullable=one.nullable or other.nullable,
        copies=one.copies if one.copies == other.copies else "",
        constant=one.constant if one.constant == other.constant else None,
    )


def kept(column: Column, known: Column, table: Table) -> Column:
    """A column with those of its copies and constants that a table keeps."""
    own = _values(table, column.name)
    copies = known.copies if known.copies and own == _values(table, known.copies) else ""
    constant = known.constant if all(v == known.constant for v in own) else None
    return replace(column, copies=copies, constant=constant)


def _values(table: Table, name: str) -> list[object]:
    index = table.index(name)
    return [row[index] for row in table.rows] if index is not None else []
