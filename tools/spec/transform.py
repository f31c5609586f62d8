"""The models of a spec: from what, joined how, to which columns, loaded in which way.

A model means, in this order: rows of ``from``; each join that is not ``after_group_by``, in
order (its ``filter`` with ``filter_at: before_join`` applies to the joined table first, then
``pick`` or ``aggregate`` bring it to one row a key); filters ``after_join``; ``where``;
``dedupe``; ``group_by`` with ``aggregations`` and ``having``; the joins ``after_group_by``;
``columns``. What comes out is then kept as ``load`` says.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from tools.spec.base import Duration, Name, Names, Part, Reference, SourceName, Sql


class Relationship(Part):
    """Every value exists in the named column of another model."""

    to: Reference
    field: SourceName


class ColumnTest(Part):
    """A generic test with arguments; exactly one of its fields is given."""

    accepted_values: list[str | int | float | bool] | None = None
    relationships: Relationship | None = None
    expression: Sql | None = None

    @model_validator(mode="after")
    def _one(self) -> ColumnTest:
        if sum(v is not None for v in (*self.__dict__.values(),)) != 1:
            raise ValueError("one of accepted_values, relationships, expression is expected")
        return self


class OutputColumn(Part):
    """A column that a model has.

    ``expr`` is an expression over the columns in scope; without it the column is ``from`` (as
    ``alias.column`` or ``column``), and without that the column of the same name of the model's
    ``from``. In ``expr``, ``{from}`` is that column and ``{name}`` one of the model's ``from``.
    """

    name: Name
    type: str | None = Field(default=None, max_length=100)
    from_: Reference | None = Field(default=None, alias="from")
    expr: Sql | None = None
    description: str = ""
    nullable: bool = True
    pii: bool = False
    tests: list[str | ColumnTest] = []


class Measure(Part):
    """An aggregate with a name; ``expr`` is one aggregate expression such as ``sum(amount)``."""

    name: Name
    expr: Sql
    type: str | None = Field(default=None, max_length=100)
    description: str = ""
    nullable: bool = True
    pii: bool = False
    tests: list[str | ColumnTest] = []


class PreAggregate(Part):
    """A many-side brought to one row a key before it is joined."""

    by: Names = Field(min_length=1)
    columns: list[Measure] = Field(min_length=1)


class Pick(Part):
    """One row of the joined table a key: the first by ``order_by`` (``col``, ``col desc``)."""

    by: Names = Field(min_length=1)
    order_by: list[str] = Field(min_length=1)


class Join(Part):
    """A table joined to the rows so far.

    ``cardinality`` reads from the rows so far to the joined table, after ``pick`` or
    ``aggregate``: ``many_to_one`` keeps the grain, ``one_to_many`` multiplies it.
    """

    to: Reference
    as_: Name | None = Field(default=None, alias="as")
    type: Literal["left", "inner", "right", "full", "cross"] = "left"
    on: Sql | None = None
    cardinality: Literal["one_to_one", "many_to_one", "one_to_many", "many_to_many"] | None = None
    filter: Sql | None = None
    filter_at: Literal["before_join", "after_join"] | None = None
    pick: Pick | None = None
    aggregate: PreAggregate | None = None
    after_group_by: bool = False
    why: str = ""

    @property
    def alias(self) -> str:
        """The name by which expressions speak of the joined table."""
        return self.as_ or self.to.rsplit(".", 1)[-1]


class Dedupe(Part):
    """One row a key of the joined and filtered rows: the first by ``order_by``."""

    by: Names = Field(min_length=1)
    order_by: list[str] = Field(min_length=1)


class Load(Part):
    """How a model keeps what its query returns.

    ``full`` replaces; ``append`` adds rows whose ``cursor`` is beyond what is there;
    ``incremental`` merges by ``key``, where an older row never replaces a later one, and with
    ``lookback`` reads only rows at or beyond the newest ``cursor`` less that; ``scd1`` merges by
    ``key`` and keeps one row a key; ``scd2`` keeps every version, in half-open intervals.

    For scd2: without ``effective_at`` a change takes effect when it is first seen. ``track``
    empty means every column but the key, ``effective_at`` and ``sequence_by``; columns not
    tracked show the last value known within a version.
    """

    strategy: Literal["full", "append", "incremental", "scd1", "scd2"] = "full"
    key: Names = []
    cursor: SourceName | None = None
    lookback: Duration | None = None
    effective_at: SourceName | None = None
    sequence_by: Names = []
    track: Names = []
    late: Literal["insert", "ignore"] = "insert"
    deletes: Literal["close", "ignore"] = "close"
    valid_from: Name = "valid_from"
    valid_to: Name = "valid_to"
    is_current: Name = "is_current"
    surrogate_key: Name | None = None


class Physical(Part):
    """How the table lies on disk; what a platform does not know is left out there."""

    materialized: Literal["view", "table", "ephemeral"] | None = None
    partition_by: Names = []
    cluster_by: Names = []


class Example(Part):
    """Rows in, rows out, approved by a person: becomes a dbt unit test and an oracle of its own."""

    name: Name
    description: str = ""
    given: dict[str, list[dict[str, Any]]]
    expect: list[dict[str, Any]]


class Custom(Part):
    """Code that people wrote: a model's SQL file, or a macro to call."""

    sql_file: str | None = Field(default=None, max_length=500)
    macro: str | None = Field(default=None, max_length=500)


class Model(Part):
    """A table that the pipeline makes."""

    name: Name
    layer: Literal["staging", "intermediate", "marts"] = "marts"
    description: str = ""
    grain: Names = []
    from_: Reference = Field(alias="from")
    columns: list[OutputColumn] = []
    joins: list[Join] = []
    where: Sql | None = None
    dedupe: Dedupe | None = None
    group_by: Names = []
    aggregations: list[Measure] = []
    having: Sql | None = None
    load: Load = Load()
    physical: Physical = Physical()
    rules: list[str] = []
    examples: list[Example] = []
    custom: Custom | None = None
    author: Literal["compiler", "model"] = "compiler"
    tags: list[str] = []

    @property
    def alias(self) -> str:
        """The name by which expressions speak of the rows of ``from``."""
        return self.from_.rsplit(".", 1)[-1]

    @property
    def is_aggregate(self) -> bool:
        """Whether rows are grouped."""
        return bool(self.group_by or self.aggregations)
