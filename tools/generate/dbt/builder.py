"""The parsed parts of one model, and how its expressions are written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from tools.generate.dbt.text import indented
from tools.spec.model import Spec
from tools.spec.scope import (
    Relation,
    expression_of,
    group_key,
    outputs,
    parse_in_scope,
    qualify,
    relations,
)
from tools.spec.transform import Model
from tools.sql.analyse import ColumnRef, columns_in
from tools.sql.infer import infer_type
from tools.sql.parse import Node, column
from tools.sql.render import identifier, render, type_sql
from tools.sql.shape import casts_to, is_count, is_plain_column, retable

Locate = Callable[[str], str]
"""A reference of the spec to the Jinja that stands for the table: ``ref(...)``, ``source(...)``."""

_WRITE = "duckdb"


@dataclass(frozen=True)
class Extra:
    """A column that the load strategy needs beside the model's own."""

    name: str
    tree: Node
    type: str | None = None
    """The type that it is to have, in the spec's dialect; as it comes if None."""


@dataclass
class Builder:
    """A model's scope and expressions; lives for as long as its query is built."""

    spec: Spec
    model: Model
    others: Mapping[str, Spec]
    locate: Locate
    extras: Sequence[Extra]
    scope: dict[str, Relation] = field(init=False)
    tables: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.scope = relations(self.spec, self.model, self.others)
        self.tables = {alias: table_name(alias) for alias in self.scope}

    def tree(self, text: str, home: str | None = None) -> Node:
        """An expression of the spec; bare columns belong to ``home``, the model's ``from``."""
        return parse_in_scope(self.spec, text, self.scope, home or self.model.alias)

    def output_trees(self) -> list[tuple[str, Node]]:
        """The columns of the last select as (name, tree), in output order."""
        model = self.model
        plain = [(c.name, expression_of(self.spec, model, c, self.others)) for c in model.columns]
        if model.is_aggregate:
            named = {name.lower() for name, _ in plain}
            keys = [(k, t) for k, t in self.keys() if k.lower() not in named]
            measures = [(m.name, self.tree(m.expr)) for m in model.aggregations]
            return [*keys, *measures, *plain]
        if plain:
            return plain
        names = outputs(self.spec, model, self.others)
        return [(c.name, column(c.name, model.alias)) for c in names]

    def keys(self) -> list[tuple[str, Node]]:
        """The group keys as (output name, tree)."""
        home = self.model.alias
        return [(group_key(k, self.scope, home).name, self.named(k)) for k in self.model.group_by]

    def named(self, name: str) -> Node:
        """A column that the spec names outside of an expression: ``column``, ``alias.column``."""
        table, _, bare = name.rpartition(".")
        return qualify(column(bare, table or None), self.scope, self.model.alias)

    def text(self, tree: Node, *, bare: bool, indent: int = 0) -> str:
        """An expression as SQL; ``bare`` leaves out the tables."""
        names = {alias: ("" if bare else table) for alias, table in self.tables.items()}
        return render(retable(tree, names), _WRITE, read=self.spec.dialect, indent=indent)

    def typed(
        self, name: str, tree: Node, *, bare: bool, shown: Node | None = None
    ) -> tuple[str, str]:
        """A column of the last select, cast where its type is not already the declared one.

        ``shown`` is what is written for the expression, where its columns have other names there.
        """
        declared = self._declared.get(name.lower())
        return self.cast(tree, declared, bare=bare, shown=shown), identifier(name)

    def cast(
        self, tree: Node, declared: str | None, *, bare: bool, shown: Node | None = None
    ) -> str:
        """An expression as SQL, cast where it does not surely have the type that is declared."""
        text = self.text(shown or tree, bare=bare)
        if declared is None or self._has_type(tree, declared):
            return text
        kind = type_sql(declared, self.spec.dialect, _WRITE)
        if "\n" in text:
            return f"cast(\n{indented(text)}\n    as {kind}\n)"
        return f"cast({text} as {kind})"

    @cached_property
    def _declared(self) -> dict[str, str | None]:
        found = outputs(self.spec, self.model, self.others)
        return {c.name.lower(): None if c.inferred else c.type for c in found}

    def _has_type(self, tree: Node, declared: str) -> bool:
        known = {
            ColumnRef(c.name, alias): c.type
            for alias, rel in self.scope.items()
            for c in rel.columns
            if c.type
        }
        dialect = self.spec.dialect
        wanted = type_sql(declared, dialect, _WRITE)
        if is_plain_column(tree):
            ref = columns_in(tree)[0]
            origin = self.scope[ref.table].column(ref.name) if ref.table in self.scope else None
            kind = None if origin is None or origin.inferred else origin.type
            return kind is not None and type_sql(kind, dialect, _WRITE) == wanted
        if casts_to(tree, wanted, dialect) or (is_count(tree) and wanted == "bigint"):
            return True
        inferred = infer_type(tree, known, dialect)
        # Only types that arithmetic and aggregation cannot widen are taken from inference.
        certain = wanted in ("varchar", "boolean")
        return certain and inferred is not None and type_sql(inferred, dialect, _WRITE) == wanted


def table_name(alias: str) -> str:
    """The name of the common table expression of an alias: never one that needs quotes."""
    if identifier(alias) == alias:
        return alias
    return f"{alias}s" if identifier(f"{alias}s") == f"{alias}s" else "source_rows"
