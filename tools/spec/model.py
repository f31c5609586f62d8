"""The canonical spec: one pydantic model, published as JSON Schema.

Shapes only; what a spec means across its parts is checked by :mod:`tools.spec.lint`, and across
specs by :mod:`tools.spec.graph`.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from tools.spec.base import Name, Part
from tools.spec.context import (
    Consumer,
    Decision,
    OpenQuestion,
    Orchestration,
    Schemas,
    Semantic,
    Target,
    Validation,
)
from tools.spec.source import Source, SourceTable
from tools.spec.transform import Model

Version = Annotated[str, StringConstraints(pattern=r"^\d+\.\d+\.\d+([-+][0-9A-Za-z.-]+)?$")]


class Spec(Part):
    """A pipeline: where data comes from, what it becomes, what must hold, when it runs."""

    pipeline: Name
    version: Version = "0.1.0"
    owner: str | None = Field(default=None, max_length=127)
    description: str = ""
    dialect: str = Field(default="duckdb", max_length=31)
    tags: list[str] = []
    schemas: Schemas = Schemas()
    sources: list[Source] = []
    models: list[Model] = []
    targets: dict[Name, Target] = {}
    validation: Validation = Validation()
    orchestration: Orchestration = Orchestration()
    semantic: Semantic = Semantic()
    consumers: list[Consumer] = []
    decisions: list[Decision] = []
    open_questions: list[OpenQuestion] = []

    def model_named(self, name: str) -> Model | None:
        """The model of that name, if this spec makes it."""
        return next((m for m in self.models if m.name.lower() == name.lower()), None)

    def source_table(self, reference: str) -> tuple[Source, SourceTable] | None:
        """The source and table that ``source.table`` names, if this spec declares it."""
        source_name, _, table_name = reference.partition(".")
        for source in self.sources:
            for table in source.tables:
                if (source.name.lower(), table.name.lower()) == (
                    source_name.lower(),
                    table_name.lower(),
                ):
                    return source, table
        return None

    def landing(self, source: Source) -> str:
        """The database schema that the tables of a source land in."""
        return source.schema_ or self.schemas.raw

    def to_json(self) -> dict[str, Any]:
        """The canonical JSON form: aliases, no defaults; what the digest is taken of."""
        return self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
