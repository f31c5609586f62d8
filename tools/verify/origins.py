"""Which source columns an output column comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tools.spec.model import Spec
from tools.spec.scope import NO_OTHERS, Relation, expression_of, parse_in_scope, relation, relations
from tools.spec.transform import Join, Model
from tools.sql.analyse import ColumnRef, columns_in
from tools.sql.parse import SqlError
from tools.sql.shape import is_plain_column

_MAX_DEPTH = 50


@dataclass(frozen=True, order=True)
class Origin:
    """A column of a source table (``source.table``).

    ``plain``: its value arrives unchanged; ``alone``: nothing else has a part in the result.
    """

    table: str
    column: str
    plain: bool = True
    alone: bool = True

    @property
    def place(self) -> tuple[str, str]:
        """Table and column in lower case, as keys of mappings."""
        return (self.table.lower(), self.column.lower())


class Origins:
    """Answers for one spec; remembers what it has worked out.

    Args:
        spec: the spec.
        others: models of other specs by name.
    """

    def __init__(self, spec: Spec, others: Mapping[str, Spec] = NO_OTHERS) -> None:
        self.spec, self.others = spec, others
        self._scopes: dict[str, dict[str, Relation]] = {}
        self._known: dict[tuple[str, str], tuple[Origin, ...]] = {}

    def scope(self, model: Model) -> dict[str, Relation]:
        """The relations that a model's expressions can name."""
        if model.name not in self._scopes:
            self._scopes[model.name] = relations(self.spec, model, self.others)
        return self._scopes[model.name]

    def of(self, model: Model, name: str, depth: int = 0) -> tuple[Origin, ...]:
        """The origins of an output column of a model; none when it cannot be told."""
        key = (model.name, name.lower())
        if key not in self._known:
            self._known[key] = () if depth > _MAX_DEPTH else self._of(model, name, depth)
        return self._known[key]

    def _of(self, model: Model, name: str, depth: int) -> tuple[Origin, ...]:
        lowered = name.lower()
        column = next((c for c in model.columns if c.name.lower() == lowered), None)
        measure = next((m for m in model.aggregations if m.name.lower() == lowered), None)
        try:
            if column is not None:
                tree = expression_of(self.spec, model, column, self.others)
            elif measure is not None:
                tree = parse_in_scope(self.spec, measure.expr, self.scope(model), model.alias)
            else:
                keys = [k for k in model.group_by if k.rpartition(".")[2].lower() == lowered]
                table = keys[0].rpartition(".")[0] if keys else ""
                return self.of_ref(model, ColumnRef(name, table or None), depth)
        except SqlError:
            return ()
        refs = columns_in(tree)
        plain, alone = is_plain_column(tree), len(refs) == 1
        # A measure's own name inside it is the column that it aggregates.
        follow = self._input if measure is not None else self.of_ref
        return _weakened(
            [o for r in refs for o in follow(model, r, depth)], plain=plain, alone=alone
        )

    def named(self, model: Model, name: str) -> tuple[Origin, ...]:
        """The origins of a name that ``load`` uses: an output column, else one of the rows."""
        outputs = {c.name.lower() for c in model.columns}
        outputs |= {m.name.lower() for m in model.aggregations}
        return (
            self.of(model, name) if name.lower() in outputs else self.of_ref(model, ColumnRef(name))
        )

    def of_ref(self, model: Model, ref: ColumnRef, depth: int = 0) -> tuple[Origin, ...]:
        """The origins of a column that an expression of the model names."""
        mine = ref.table is None or ref.table.lower() == model.alias.lower()
        if mine and any(m.name.lower() == ref.name.lower() for m in model.aggregations):
            return self.of(model, ref.name, depth + 1)
        return self._input(model, ref, depth)

    def _input(self, model: Model, ref: ColumnRef, depth: int) -> tuple[Origin, ...]:
        """The origins of a column of the rows that go into a model."""
        alias = self._owner(model, ref)
        if alias.lower() == model.alias.lower():
            return self._trace(model.from_, ref.name, depth)
        join = next((j for j in model.joins if j.alias.lower() == alias.lower()), None)
        return self._joined(join, ref.name, depth) if join else ()

    def _owner(self, model: Model, ref: ColumnRef) -> str:
        if ref.table:
            return ref.table
        owners = [a for a, r in self.scope(model).items() if r.column(ref.name)]
        return model.alias if model.alias in owners or not owners else owners[0]

    def _joined(self, join: Join, name: str, depth: int) -> tuple[Origin, ...]:
        measures = join.aggregate.columns if join.aggregate else []
        measure = next((m for m in measures if m.name.lower() == name.lower()), None)
        if measure is None:
            return self._trace(join.to, name, depth)
        inner = relation(self.spec, join.to, join.alias, self.others)
        try:
            refs = columns_in(
                parse_in_scope(self.spec, measure.expr, {join.alias: inner}, join.alias)
            )
        except SqlError:
            return ()
        found = [o for r in refs for o in self._trace(join.to, r.name, depth)]
        return _weakened(found, plain=False, alone=False)

    def _trace(self, reference: str, name: str, depth: int) -> tuple[Origin, ...]:
        source = self.spec.source_table(reference)
        if source is not None:
            column = source[1].column(name)
            exact = column.name if column else name
            return (Origin(f"{source[0].name}.{source[1].name}", exact),)
        model = self.spec.model_named(reference)
        if model is not None:
            return self.of(model, name, depth + 1)
        owner = self.others.get(reference)
        elsewhere = owner.model_named(reference) if owner else None
        if owner is None or elsewhere is None or owner is self.spec:
            return ()
        return Origins(owner, self.others).of(elsewhere, name, depth + 1)


def _weakened(found: Iterable[Origin], *, plain: bool, alone: bool) -> tuple[Origin, ...]:
    """Each origin once, as plain and as alone as the expression leaves it."""
    changed = (
        Origin(o.table, o.column, plain=o.plain and plain, alone=o.alone and alone) for o in found
    )
    return tuple(dict.fromkeys(changed))
