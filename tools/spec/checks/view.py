"""What the checks look at: a spec, and each of its models with what is in scope where."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from tools.findings import Finding, Severity
from tools.spec.edges import Path
from tools.spec.load import LoadedSpec
from tools.spec.model import Spec
from tools.spec.scope import Col, Relation, group_key, outputs, relation, relations, table_columns
from tools.spec.suggest import did_you_mean
from tools.spec.transform import Join, Model
from tools.sql.analyse import ColumnRef
from tools.sql.parse import Node, column, parse_expression

Scope = Mapping[str, Relation]

_MARK = re.compile(r"\{\s*([^{}]*?)\s*\}")


@dataclass
class SpecView:
    """A spec that is being checked, and who makes the models that it may read."""

    loaded: LoadedSpec
    others: Mapping[str, Spec]

    @property
    def spec(self) -> Spec:
        """The spec."""
        return self.loaded.spec

    @cached_property
    def models(self) -> tuple[ModelView, ...]:
        """Each model with its scopes."""
        return tuple(ModelView(self, i, model) for i, model in enumerate(self.spec.models))

    @cached_property
    def references(self) -> tuple[str, ...]:
        """Everything that a model may read: models of this spec, source tables, other models."""
        tables = (f"{s.name}.{t.name}" for s in self.spec.sources for t in s.tables)
        return (*(m.name for m in self.spec.models), *tables, *self.others)

    def model_view(self, name: str) -> ModelView | None:
        """The model of that name, if this spec makes it."""
        return next((v for v in self.models if v.model.name.lower() == name.lower()), None)

    def made(self, reference: str) -> Model | None:
        """The model that a reference names, of this spec or another; None for a source table."""
        if self.spec.source_table(reference) is not None:
            return None
        owner = self.spec if self.spec.model_named(reference) else self.others.get(reference)
        return owner.model_named(reference) if owner is not None else None

    def table(self, reference: str) -> Relation | None:
        """The table of a model or source by reference; None if nobody declares it."""
        view = self.model_view(reference)
        if view is not None:
            return Relation(reference, reference, view.table_columns, bool(view.table_columns))
        if self.spec.source_table(reference) is None and reference not in self.others:
            return None
        return relation(self.spec, reference, reference, self.others)

    def find(  # noqa: PLR0917 - in the order in which a finding is read
        self,
        code: str,
        severity: Severity,
        message: str,
        path: Path,
        hint: str = "",
        subject: str = "",
    ) -> Finding:
        """A finding about the part of the spec at ``path``."""
        about = subject or self.spec.pipeline
        return Finding(code, severity, message, self.loaded.at(*path), hint, subject=about)

    def parse(self, text: str, scope: Scope, home: str, origin: Node | None = None) -> Node:
        """An expression as a tree, columns as written; ``{from}`` is ``origin``.

        Raises:
            SqlError: when it does not parse.
        """
        base = scope.get(home)
        marks: dict[str, Node] = {}
        if base is not None and "{" in text:
            marks = {c.name: column(c.name, home) for c in base.columns}
        if base is None or not base.known:
            marks |= {name: column(name, home) for name in _MARK.findall(text) if name != "from"}
        if origin is not None:
            marks["from"] = origin
        return parse_expression(text, self.spec.dialect, marks)


@dataclass
class ModelView:
    """A model that is being checked, with the relations that each of its parts can see."""

    of: SpecView
    index: int
    model: Model

    @property
    def path(self) -> Path:
        """The path of the model in the spec."""
        return ("models", self.index)

    @cached_property
    def relations(self) -> dict[str, Relation]:
        """All relations by alias, joined ones as they are after ``aggregate``."""
        return relations(self.of.spec, self.model, self.of.others)

    @cached_property
    def rows(self) -> Scope:
        """What the rows see before any grouping."""
        after = {j.alias for j in self.model.joins if j.after_group_by}
        return {a: r for a, r in self.relations.items() if a not in after or a == self.model.alias}

    @cached_property
    def keys(self) -> Scope:
        """The group keys: under the model's own alias, and under the alias they come from."""
        keyed: dict[str, list[Col]] = {}
        for key in self.model.group_by:
            found = group_key(key, self.rows, self.model.alias)
            table, _, name = key.rpartition(".")
            owners = [a for a, r in self.rows.items() if r.column(name)]
            keyed.setdefault(self.model.alias, []).append(found)
            if (alias := table or next(iter(owners), "")) != self.model.alias and alias:
                keyed.setdefault(alias, []).append(found)
        base = self.relations[self.model.alias]
        keyed.setdefault(self.model.alias, [])
        return {
            a: replace(base, alias=a, columns=tuple(columns), known=True)
            for a, columns in keyed.items()
        }

    @cached_property
    def groups(self) -> Scope:
        """What is there once rows are grouped: keys and aggregations, under the model's alias."""
        measures = tuple(
            Col(m.name, m.type, m.nullable, m.pii, m.description) for m in self.model.aggregations
        )
        home = self.keys[self.model.alias]
        return {
            **self.keys,
            self.model.alias: replace(home, columns=(*home.columns, *measures)),
        }

    def joined(self, upto: int, *, after: bool) -> Scope:
        """What the ``on`` of a join sees: the rows so far and the joins up to that one."""
        grouped = after and self.model.is_aggregate
        home = self.model.alias
        base = dict(self.groups) if grouped else {home: self.relations[home]}
        for join in self.model.joins[: upto + 1]:
            if join.after_group_by == grouped or not self.model.is_aggregate:
                base[join.alias] = self.relations[join.alias]
        return base

    @cached_property
    def final(self) -> Scope:
        """What the columns see."""
        if not self.model.is_aggregate:
            return self.relations
        return self.joined(len(self.model.joins), after=True)

    def raw(self, join: Join) -> Relation:
        """The joined table as it is before ``pick`` or ``aggregate``."""
        return relation(self.of.spec, join.to, join.alias, self.of.others)

    @cached_property
    def outputs(self) -> tuple[Col, ...]:
        """The business columns."""
        return outputs(self.of.spec, self.model, self.of.others)

    @cached_property
    def table_columns(self) -> tuple[Col, ...]:
        """The business columns and what the load adds."""
        return table_columns(self.of.spec, self.model, self.of.others)

    @cached_property
    def is_open(self) -> bool:
        """Whether the outputs are those of a table whose columns nobody declares."""
        takes_all = not self.model.columns and not self.model.is_aggregate
        return takes_all and not self.relations[self.model.alias].known

    def find(
        self,
        code: str,
        severity: Severity,
        message: str,
        *path: str | int,
        hint: str = "",
        subject: str = "",
    ) -> Finding:
        """A finding about a part of the model."""
        name = f"{self.model.name}.{subject}" if subject else self.model.name
        return self.of.find(code, severity, message, (*self.path, *path), hint, name)

    def unknown_column(
        self, code: str, name: str, columns: Iterable[Col], what: str, *path: str | int
    ) -> Finding:
        """An error about a name that is none of the columns."""
        return self.find(
            code,
            Severity.ERROR,
            f"{what} {name} is no column of {self.model.name}",
            *path,
            hint=did_you_mean(name, [c.name for c in columns]),
            subject=name,
        )


def has(columns: Iterable[Col], name: str) -> bool:
    """Whether a column of that name is among them, compared without case."""
    return any(c.name.lower() == name.lower() for c in columns)


def split(name: str) -> ColumnRef:
    """``alias.column`` or ``column`` as a reference."""
    table, _, bare = name.rpartition(".")
    return ColumnRef(bare, table or None)
