"""What the parts of the oracle share while they read one model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from tools.spec.model import Spec
from tools.spec.transform import Model
from tools.sql.analyse import (
    ColumnRef,
    columns_in,
    functions_in,
    has_window,
    nondeterministic_functions,
)
from tools.sql.infer import parse_order
from tools.sql.parse import Node, SqlError, column, parse_expression
from tools.verify.dataset import Row, Table
from tools.verify.oracle.engine import CannotEvaluate, Engine
from tools.verify.oracle.frame import Frame, parse

Lookup = Callable[[str], Table]
"""The table that a reference names."""

_ORDER_SENSITIVE = frozenset(
    """any_value arg_max arg_min arg_min_null arg_max_null array_agg array_unique_agg first
    first_value group_concat last last_value list listagg max_by min_by mode string_agg
    json_array_agg json_object_agg json_group_array json_group_object""".split()
)
_SHUFFLES = 4


@dataclass
class Reading:
    """One model being read.

    Args:
        spec: whose model it is.
        model: the model.
        lookup: gives the tables that it reads.
        engine: gives the values of expressions.
        doubts: what the spec leaves open for these rows, filled on the way.
    """

    spec: Spec
    model: Model
    lookup: Lookup
    engine: Engine
    doubts: dict[str, None] = field(default_factory=dict)

    @property
    def home(self) -> str:
        """The alias of the model's own rows."""
        return self.model.alias

    def doubt(self, reason: str) -> None:
        """Notes that the result depends on something that the spec does not decide."""
        self.doubts[f"{self.model.name}: {reason}"] = None

    def parse(self, text: str, frame: Frame, home: str | None = None) -> Node:
        """An expression over the values of a frame."""
        return parse(text, self.spec.dialect, frame, home or self.home)

    def true_for(self, text: str, frame: Frame, home: str | None = None) -> Frame:
        """The rows for which a condition is true: neither false nor NULL."""
        found = self.column_values(frame, [self.parse(text, frame, home)])[0]
        return frame.keeping(i for i, row in enumerate(found) if row[0])

    def column_values(self, frame: Frame, trees: Sequence[Node]) -> tuple[list[Row], list[str]]:
        """The values of expressions for each row; notes where they depend on the order of rows."""
        dialect = self.spec.dialect
        for tree in trees:
            self.note_moment(tree)
        found, kinds = self.engine.scalars(frame.kinds, frame.rows, trees, dialect)
        if any(has_window(tree) for tree in trees):
            for order in shuffles(len(frame.rows)):
                mixed = frame.keeping(order)
                again, _ = self.engine.scalars(mixed.kinds, mixed.rows, trees, dialect)
                if repr(again) != repr([found[i] for i in order]):
                    self.doubt("a window function orders rows that tie")
                    break
        return found, kinds

    def aggregate_values(
        self, frame: Frame, groups: Sequence[int], trees: Sequence[Node]
    ) -> tuple[dict[int, Row], list[str]]:
        """The values of aggregates by group; notes where they depend on the order of rows."""
        dialect = self.spec.dialect
        for tree in trees:
            self.note_moment(tree)
        found, kinds = self.engine.grouped(frame.kinds, frame.rows, groups, trees, dialect)
        if any(_ORDER_SENSITIVE & set(functions_in(tree)) for tree in trees):
            for order in shuffles(len(frame.rows)):
                mixed, numbers = frame.keeping(order), [groups[i] for i in order]
                again, _ = self.engine.grouped(mixed.kinds, mixed.rows, numbers, trees, dialect)
                if sorted(map(repr, again.items())) != sorted(map(repr, found.items())):
                    self.doubt("an aggregate depends on the order of rows, and none is said")
                    break
        return found, kinds

    def note_moment(self, tree: Node) -> None:
        """Notes functions whose result is another one on another day."""
        for name in nondeterministic_functions(tree):
            self.doubt(f"{name}() gives another result on another run")


def shuffles(count: int) -> list[list[int]]:
    """A few orders of rows: backwards, and dealt out to 2, 3, 4 and 5 hands."""
    if count < 2:
        return []
    backwards = list(range(count))[::-1]
    dealt = [[i for hand in range(n) for i in backwards[hand::n]] for n in range(2, 2 + _SHUFFLES)]
    return [backwards, *dealt]


Used = frozenset[tuple[str | None, str]]
"""Columns as (alias or None, name), in lower case."""


def names_used(reading: Reading, columns: Iterable[str], extra: Iterable[str] = ()) -> Used:
    """The columns that a model looks at once its joins are prepared.

    A join's ``filter`` before it, its ``pick`` and its ``aggregate`` count for nothing: they are
    done by then.

    Args:
        reading: the model.
        columns: the names of all columns that it could look at.
        extra: names that its load looks at.
    """
    model, dialect = reading.model, reading.spec.dialect
    texts = [*(j.on for j in model.joins), model.where, model.having]
    texts += [j.filter for j in model.joins if j.filter_at == "after_join"]
    texts += [m.expr for m in model.aggregations] + [c.expr for c in model.columns]
    names = [*model.group_by, *extra, *(c.from_ or c.name for c in model.columns)]
    names += model.dedupe.by if model.dedupe else []
    known = tuple(dict.fromkeys(columns))
    refs = [ref for text in texts if text is not None for ref in _refs(text, dialect, known)]
    for item in model.dedupe.order_by if model.dedupe else []:
        refs += _refs(item, dialect, None)
    used = {(ref.table, ref.name) for ref in refs}
    used |= {(alias or None, bare) for alias, _, bare in (n.rpartition(".") for n in names)}
    return frozenset((alias.lower() if alias else None, name.lower()) for alias, name in used)


@lru_cache(maxsize=4096)
def _refs(text: str, dialect: str, columns: tuple[str, ...] | None) -> tuple[ColumnRef, ...]:
    """The columns of an expression that may have placeholders, or of an item of an order."""
    try:
        if columns is None:
            return columns_in(parse_order(text, dialect))
        marks = {name: column(name) for name in (*columns, "from")}
        return columns_in(parse_expression(text, dialect, marks))
    except SqlError as error:
        raise CannotEvaluate(f"{text}: {error.message}", f"write it in {dialect}") from error
