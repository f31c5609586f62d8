"""What z3 is told of columns, constants and of whatever is not understood: unknowns and facts."""

from __future__ import annotations

import datetime as dt
import importlib
import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from tools.sql.equivalent.least import least
from tools.sql.equivalent.nulls import Test, never_null
from tools.sql.equivalent.scope import Scope
from tools.sql.equivalent.types import family
from tools.sql.parse import Node

_MILLISECONDS = 300
_EXACT_DIGITS = 15  # of a number that a double holds exactly enough to keep its order
_AT_LEAST = {
    exp.Count: 0, exp.Length: 0, exp.RowNumber: 1, exp.Rank: 1, exp.DenseRank: 1,
}  # fmt: skip


def available() -> bool:
    """Whether z3 is installed."""
    return importlib.util.find_spec("z3") is not None


@dataclass(frozen=True)
class Truth:
    """When a condition is true, and when it is false."""

    true: Any
    false: Any


@dataclass(frozen=True)
class Value:
    """A value: its family of types, the unknown, and when it is NULL."""

    family: str
    value: Any
    null: Any


class Terms:
    """The unknowns and the constants of trees of one select.

    Args:
        scope: whose columns they are.
        not_null: whether a column surely is not NULL.
        trees: everything that will be encoded: their text constants are put in order.
        groups: whether rows stand for groups, of at least one row each.
    """

    def __init__(
        self, scope: Scope, not_null: Test, trees: Iterable[Node], *, groups: bool = False
    ) -> None:
        self.z3: Any = importlib.import_module("z3")
        self.context = self.z3.Context()  # of its own: z3's default one is not for threads
        self.scope, self.not_null, self.groups = scope, not_null, groups
        texts = {x.this for t in trees for x in t.find_all(exp.Literal) if x.is_string}
        ordered = sorted(texts, key=lambda t: t.encode())
        self._ranks = {text: rank for rank, text in enumerate(ordered)}
        self._unknowns: dict[str, Value | Truth] = {}
        self.facts: list[Any] = []

    def bool_(self, value: bool) -> Any:
        """A truth value."""
        return self.z3.BoolVal(value, self.context)

    def constant(self, node: Node, read_as: str | None) -> tuple[str, Any] | None:
        """The family and the value of a constant; None for what is none, or not understood."""
        z3 = self.z3
        if isinstance(node, exp.Neg) and isinstance(node.this, exp.Literal):
            under = None if node.this.is_string else self.constant(node.this, read_as)
            return (under[0], -under[1]) if under else None
        if isinstance(node, exp.Cast) and isinstance(node.this, exp.Literal):
            kind = family(self.scope.type_of(node))
            dated = kind in ("date", "timestamp") and node.this.is_string
            return self.constant(node.this, kind) if dated else None
        if not isinstance(node, exp.Literal):
            return None
        if not node.is_string:
            plain = node.this.replace(".", "", 1).isdecimal()
            if read_as == "double":
                exact = plain and len(node.this) <= _EXACT_DIGITS
                return ("double", z3.RealVal(node.this, self.context)) if exact else None
            if node.is_int:
                return "integer", z3.IntVal(node.this, self.context)
            return ("decimal", z3.RealVal(node.this, self.context)) if plain else None
        if read_as in (None, "text"):
            return "text", z3.RealVal(self._ranks[node.this], self.context)
        moment = _moment(node.this, read_as)
        return (str(read_as), z3.RealVal(moment, self.context)) if moment is not None else None

    def _name(self, node: Node) -> str:
        return self.scope.term(node) or node.sql("duckdb", comments=False)

    def unknown(self, node: Node) -> Value | None:
        """A column, or an expression that is not understood; None when its type is not known."""
        kind = family(self.scope.type_of(node))
        if kind in (None, "boolean"):
            return None
        name = self._name(node)
        if name not in self._unknowns:
            z3 = self.z3
            make = z3.Int if kind == "integer" else z3.Real
            value, null = make(name, self.context), z3.Bool(f"{name} is null", self.context)
            if never_null(node, self.not_null):
                self.facts.append(z3.Not(null))
            lowest = self._least(node)
            if lowest is not None:
                self.facts.append(z3.Or(null, value >= lowest))
            # What WHERE says holds of what is grouped; of a column it may be what is in question.
            met = tuple(self.scope.filters()) if isinstance(node, exp.AggFunc) else ()
            bound = least(node, self.scope, met) if kind in ("integer", "decimal") else None
            if bound is not None:
                number = z3.RealVal(str(bound.number), self.context)
                self.facts.append(z3.Or(null, value > number if bound.above else value >= number))
            first = self._first(node)
            if first is not None:
                self.facts.append(null == first)
            self._unknowns[name] = Value(str(kind), value, null)
        found = self._unknowns[name]
        return found if isinstance(found, Value) else None

    def _first(self, node: Node) -> Any:
        """Whether a row is the first of its part: of it alone is the value before it NULL."""
        if not isinstance(node, exp.Window) or not isinstance(node.this, exp.Lag):
            return None
        lag = node.this
        if lag.args.get("offset") or lag.args.get("default") or node.args.get("spec"):
            return None
        if not never_null(lag.this, self.not_null):
            return None
        window = node.copy()
        window.this.replace(exp.RowNumber())
        return self.z3.Bool(f"first of {window.sql('duckdb', comments=False)}", self.context)

    def _least(self, node: Node) -> int | None:
        function = node.this if isinstance(node, exp.Window) else node
        counted = isinstance(function, exp.Count) and isinstance(function.this, exp.Star)
        if counted and self.groups and not isinstance(node, exp.Window):
            return 1
        return next((n for kind, n in _AT_LEAST.items() if isinstance(function, kind)), None)

    def unknown_truth(self, node: Node) -> Truth:
        """A condition that is not understood: true, false or NULL, the same in every place."""
        name = f"{self._name(node)} holds"
        if name not in self._unknowns:
            z3 = self.z3
            truth = Truth(z3.Bool(name, self.context), z3.Bool(f"{name} not", self.context))
            self.facts.append(z3.Not(z3.And(truth.true, truth.false)))
            if never_null(node, self.not_null):
                self.facts.append(z3.Or(truth.true, truth.false))
            self._unknowns[name] = truth
        found = self._unknowns[name]
        return found if isinstance(found, Truth) else Truth(found.null, found.null)

    def impossible(self, *claims: Any) -> bool:
        """Whether some claims cannot all hold, by what is known of the unknowns."""
        solver = self.z3.Solver(ctx=self.context)
        solver.set("timeout", _MILLISECONDS)
        solver.add(*self.facts, *claims)
        return bool(solver.check() == self.z3.unsat)


def _moment(text: str, kind: str | None) -> int | None:
    """A date as days, a timestamp as microseconds; None for any other text."""
    try:
        if kind == "date":
            return dt.date.fromisoformat(text).toordinal()
        if kind == "timestamp":
            moment = dt.datetime.fromisoformat(text)
            plain = moment.replace(tzinfo=None)
            since = plain - dt.datetime(1970, 1, 1)  # noqa: DTZ001  a timestamp has no zone
            return None if moment.tzinfo else since // dt.timedelta(microseconds=1)
    except ValueError:
        return None
    return None
