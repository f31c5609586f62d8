"""What the conversion of a ``spec.json`` knows while it goes on: the form, the draft, one model."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tools.findings import Finding, Severity
from tools.spec.importers.base import Imported, note, place
from tools.spec.importers.mapped_shape import MappedModel, MappedSpec
from tools.spec.positions import Document, Path
from tools.spec.suggest import did_you_mean
from tools.sql.analyse import columns_in
from tools.sql.parse import Node, SqlError, column, parse_expression

DIALECT = "bigquery"
_MOMENTS = re.compile(r"timestamp|datetime|date", re.IGNORECASE)


@dataclass
class Draft:
    """The conversion of a whole spec."""

    form: MappedSpec
    document: Document
    imported: Imported
    findings: list[Finding] = field(default_factory=list)
    tables: dict[str, dict[str, Any]] = field(default_factory=dict)

    def error(self, code: str, message: str, path: Path, hint: str) -> None:
        """Add a finding that stops the import."""
        where = place(self.document, path)
        self.findings.append(Finding(code, Severity.ERROR, message, where, hint=hint))

    def model(self, reference: str) -> MappedModel | None:
        """The model of this form that a reference names."""
        return next((m for m in self.form.models if m.name == reference), None)

    def columns_of(self, reference: str, depth: int = 0) -> tuple[str, ...] | None:
        """The columns of a model of this form; None for a table whose columns are not known."""
        model = self.model(reference)
        if model is None or depth > len(self.form.models):
            return None
        if model.column_mapping:
            return tuple(c.target_column for c in model.column_mapping)
        if model.aggregations:
            return (*model.group_by, *(a.metric_column for a in model.aggregations))
        return self.columns_of(model.sources[0], depth + 1)

    def key_of(self, reference: str) -> tuple[str, ...]:
        """The columns that a model of this form is unique on, or nothing."""
        model = self.model(reference)
        return tuple(model.constraints.primary_key or model.group_by) if model else ()


class _AnyColumn(Mapping[str, Node]):
    """Placeholders: ``{from}`` is the mapped column, other names columns of the first source."""

    def __init__(self, origin: Node, home: str) -> None:
        self._origin, self._home = origin, home

    def __getitem__(self, name: str) -> Node:
        return self._origin if name == "from" else column(name, self._home)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str)

    def __iter__(self) -> Iterator[str]:
        return iter(("from",))

    def __len__(self) -> int:
        return 1


@dataclass
class View:
    """The conversion of one model.

    Attributes:
        index: its place among the models of the form.
        trees: the expression of each mapped column, by its index; absent where it does not parse.
        rewritten: the indices whose expression is no longer the text that was given.
    """

    draft: Draft
    index: int
    shape: MappedModel
    trees: dict[int, Node] = field(default_factory=dict)
    rewritten: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        for position, item in enumerate(self.shape.column_mapping):
            where = ("column_mapping", position)
            if item.from_table is not None and not self.knows(item.from_table, *where):
                continue
            name, table = item.from_column or item.target_column, item.from_table or self.home
            origin = column(name, table)
            if item.transform is None:
                self.trees[position] = origin
                continue
            marks = _AnyColumn(origin, self.home)
            tree = self.parse(item.transform, (*where, "transform"), marks)
            if tree is not None:
                self.trees[position] = tree

    @property
    def aliases(self) -> dict[str, str]:
        """The name by which expressions speak of each source, and its reference."""
        return {ref.rsplit(".", 1)[-1]: ref for ref in self.shape.sources}

    @property
    def home(self) -> str:
        """The alias of the first source: the one whose rows the model has."""
        return next(iter(self.aliases))

    def path(self, *path: str | int) -> Path:
        """A place of this model in the document."""
        return ("models", self.index, *path)

    def error(self, message: str, *path: str | int, hint: str = "") -> None:
        """Add a finding that stops the import."""
        self.draft.error("SPEC-IMPORT", f"{self.shape.name}: {message}", self.path(*path), hint)

    def note(self, message: str, *path: str | int) -> None:
        """Say what was normalised."""
        where = place(self.draft.document, self.path(*path))
        self.draft.imported.notes.append(note(f"{self.shape.name}: {message}", where))

    def ask(self, about: str, question: str, assumption: str, *path: str | int) -> None:
        """Add an open question about a part of this model."""
        subject = f"{self.shape.name}.{about}" if about else self.shape.name
        self.draft.imported.ask(subject, question, assumption, self.path(*path))

    def knows(self, alias: str, *path: str | int) -> bool:
        """Whether the model has a source of that name; a finding when it has not."""
        if alias in self.aliases:
            return True
        hint = did_you_mean(alias, self.aliases)
        self.error(f"{alias!r} is none of its sources", *path, hint=hint)
        return False

    def parse(self, text: str, path: Path, marks: Mapping[str, Node] | None = None) -> Node | None:
        """An expression as a tree; a finding when it does not parse."""
        try:
            return parse_expression(text, DIALECT, marks)
        except SqlError as error:
            self.error(f"{path[-1]!s} {error.message}", *path, hint="see the expression here")
            return None

    def columns_used(self, alias: str) -> tuple[str, ...]:
        """The columns of a source that mapped columns name, in order, each once."""
        names = [c.name for t in self.trees.values() for c in columns_in(t) if c.table == alias]
        return tuple(dict.fromkeys(names))


def moments_of(model: MappedModel) -> tuple[str, ...]:
    """The mapped columns of a model that hold a date or a time."""
    return tuple(
        c.target_column
        for c in model.column_mapping
        if c.type is not None and _MOMENTS.match(c.type)
    )
