"""The sources of a spec: systems, their tables and columns, and how they are extracted."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tools.spec.base import Name, Names, Part, SourceName, Sql


class Column(Part):
    """A column of a source table, typed in the spec's dialect."""

    name: SourceName
    type: str = Field(min_length=1, max_length=100)
    nullable: bool = True
    pii: bool = False
    description: str = ""


class Deletes(Part):
    """How a source says that a row is gone.

    ``absence``: a full extract lacks it; believed only while at most ``max_ratio`` of the known
    rows are missing. ``predicate``: a column says so. ``operation``: a change feed says so.
    """

    how: Literal["none", "absence", "predicate", "operation"] = "none"
    max_ratio: float = Field(default=0.2, gt=0, le=1)
    predicate: Sql | None = None


class Operation(Part):
    """The operation column of a change feed (``extract: cdc``) and the values that mean delete."""

    column: SourceName
    deleted: list[str] = Field(default=["D", "d", "delete"], min_length=1)


class SchemaContract(Part):
    """What happens when the source changes shape; the verbs are dlt's."""

    tables: Literal["evolve", "freeze", "discard_row", "discard_value"] = "evolve"
    columns: Literal["evolve", "freeze", "discard_row", "discard_value"] = "freeze"
    data_type: Literal["evolve", "freeze", "discard_row", "discard_value"] = "freeze"


class SourceTable(Part):
    """A table of a source system.

    ``columns`` may be empty: then they are read from DDL or data beside the spec where there is
    any, and the reading is an open question. ``data`` names a file with development rows.
    """

    name: SourceName
    description: str = ""
    columns: list[Column] = []
    primary_key: Names = []
    cursor: SourceName | None = None
    loaded_at: SourceName | None = None
    extract: Literal["full", "incremental", "cdc"] = "full"
    operation: Operation | None = None
    deletes: Deletes = Deletes()
    schema_contract: SchemaContract = SchemaContract()
    data: str | None = Field(default=None, max_length=500)

    def column(self, name: str) -> Column | None:
        """The column of that name, compared without case as SQL does."""
        return next((c for c in self.columns if c.name.lower() == name.lower()), None)


class Source(Part):
    """A system that tables come from; ``connection`` is a reference, never a secret.

    ``schema`` is the database schema that its tables land in, when not the ``raw`` one of the
    spec: two systems that both have a table ``orders`` need one each.
    """

    name: Name
    system: str = Field(min_length=1, max_length=63)
    description: str = ""
    schema_: Name | None = Field(default=None, alias="schema")
    connection: str | None = Field(default=None, pattern=r"^(env|vault|secret):[A-Za-z0-9_/.-]+$")
    tables: list[SourceTable] = Field(default=[], min_length=0)
