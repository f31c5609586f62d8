"""Conditions and values handed to z3, where it is installed (the extra ``proof``).

A condition has two truths: that it is true and that it is false; when neither holds it is NULL.
What z3 is told of a value is its order alone: columns and whatever is not understood are unknowns
of their type, arithmetic included. So nothing is claimed that overflow, rounding or a collation
could break. Integers are integers; every other ordered type is embedded in the rationals, where
the constants keep their order: what holds there of all values holds of the type's own values.
"""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from tools.sql.equivalent.smt_terms import Terms, Truth, Value, available
from tools.sql.equivalent.types import family
from tools.sql.parse import Node

_COMPARED = {
    exp.EQ: "__eq__", exp.NEQ: "__ne__", exp.LT: "__lt__", exp.LTE: "__le__", exp.GT: "__gt__",
    exp.GTE: "__ge__",
}  # fmt: skip


class Encoder(Terms):
    """Trees of one select as z3 terms; see :class:`Terms` for its arguments."""

    # conditions

    def truth(self, node: Node) -> Truth:
        """A condition."""
        z3, inner = self.z3, node.unnest()
        if isinstance(inner, exp.And | exp.Or):
            left, right = self.truth(inner.this), self.truth(inner.expression)
            if isinstance(inner, exp.And):
                return Truth(z3.And(left.true, right.true), z3.Or(left.false, right.false))
            return Truth(z3.Or(left.true, right.true), z3.And(left.false, right.false))
        if isinstance(inner, exp.Not):
            under = self.truth(inner.this)
            return Truth(under.false, under.true)
        if isinstance(inner, exp.Boolean):
            return Truth(self.bool_(bool(inner.this)), self.bool_(not inner.this))
        if isinstance(inner, exp.Null):
            return Truth(self.bool_(False), self.bool_(False))
        found = self._tested(inner)
        return found if found is not None else self.unknown_truth(inner)

    def _tested(self, node: Node) -> Truth | None:
        """Comparisons, tests for NULL, lists; None for what is not understood."""
        if isinstance(node, exp.Is):
            return self._is(node)
        if isinstance(node, exp.NullSafeEQ | exp.NullSafeNEQ):
            return self._null_safe(node)
        if type(node) in _COMPARED:
            return self._compared(type(node), node.this, node.expression)
        if isinstance(node, exp.Between):
            low = self._compared(exp.GTE, node.this, node.args["low"])
            high = self._compared(exp.LTE, node.this, node.args["high"])
            return self._all(low, high)
        if isinstance(node, exp.In) and not node.args.get("query") and node.expressions:
            return self._any([self._compared(exp.EQ, node.this, e) for e in node.expressions])
        if isinstance(node, exp.Case | exp.If | exp.Coalesce):
            return self._chosen_truth(node)
        return None

    def _all(self, one: Truth | None, other: Truth | None) -> Truth | None:
        if one is None or other is None:
            return None
        return Truth(self.z3.And(one.true, other.true), self.z3.Or(one.false, other.false))

    def _any(self, parts: list[Truth | None]) -> Truth | None:
        known = [p for p in parts if p is not None]
        if len(known) != len(parts):
            return None
        return Truth(self.z3.Or([p.true for p in known]), self.z3.And([p.false for p in known]))

    def _is(self, node: exp.Is) -> Truth | None:
        z3, right = self.z3, node.expression
        if isinstance(right, exp.Null):
            if self.scope.type_of(node.this) == "boolean":
                under = self.truth(node.this)
                null = z3.And(z3.Not(under.true), z3.Not(under.false))
            else:
                value = self.value(node.this)
                if value is None:
                    return None
                null = value.null
            return Truth(null, z3.Not(null))
        if isinstance(right, exp.Boolean):
            under = self.truth(node.this)
            holds = under.true if right.this else under.false
            return Truth(holds, z3.Not(holds))
        return None

    def _null_safe(self, node: Node) -> Truth | None:
        z3 = self.z3
        pair = self._aligned(node.this, node.expression)
        if pair is None:
            return None
        left, right = pair
        both = z3.And(left.null, right.null)
        same = z3.And(z3.Not(left.null), z3.Not(right.null), left.value == right.value)
        equal = z3.Or(both, same)
        truth = Truth(equal, z3.Not(equal))
        return truth if isinstance(node, exp.NullSafeEQ) else Truth(truth.false, truth.true)

    def _compared(self, kind: type[Node], one: Node, other: Node) -> Truth | None:
        pair = self._aligned(one, other)
        if pair is None:
            return None
        left, right = pair
        known = self.z3.And(self.z3.Not(left.null), self.z3.Not(right.null))
        holds = getattr(left.value, _COMPARED[kind])(right.value)  # type: ignore[index]
        return Truth(self.z3.And(known, holds), self.z3.And(known, self.z3.Not(holds)))

    def _aligned(self, one: Node, other: Node) -> tuple[Value, Value] | None:
        """Two values that can be compared: of one type, or a constant read as the other's."""
        types = self.scope.type_of(one), self.scope.type_of(other)
        constants = _is_constant(one), _is_constant(other)
        apart = not any(constants) and types[0] != types[1]
        if apart and {family(t) for t in types} != {"integer"}:
            return None
        left = self.value(one, family(types[1]) if constants[0] else None)
        right = self.value(other, family(types[0]) if constants[1] else None)
        if left is None or right is None:
            return None
        return self._unified(left, right)

    def _unified(self, left: Value, right: Value) -> tuple[Value, Value] | None:
        if "null" in (left.family, right.family):
            known = right if left.family == "null" else left
            if known.family == "null":
                return None
            blank = Value(known.family, known.value, self.bool_(True))
            return (blank, right) if left.family == "null" else (left, blank)
        if left.family == right.family:
            return left, right
        if {left.family, right.family} == {"integer", "decimal"}:
            return self._real(left), self._real(right)
        return None

    def _real(self, value: Value) -> Value:
        if value.family != "integer":
            return value
        return Value("decimal", self.z3.ToReal(value.value), value.null)

    # values

    def value(self, node: Node, read_as: str | None = None) -> Value | None:
        """A value; None when its type is not known.

        Args:
            node: the expression.
            read_as: the family that a text constant is read as, when it is compared to one.
        """
        inner = node.unnest()
        never = self.bool_(False)
        if isinstance(inner, exp.Null):
            return Value("null", None, self.bool_(True))
        constant = self.constant(inner, read_as)
        if constant is not None:
            return Value(constant[0], constant[1], never)
        if isinstance(inner, exp.Literal):
            return None
        if isinstance(inner, exp.Coalesce | exp.Case | exp.If | exp.Nullif):
            chosen = self._chosen(inner)
            if chosen is not None:
                return chosen
        return self.unknown(inner)

    def _chosen(self, node: Node) -> Value | None:
        """A value that is one of several."""
        pairs = self._branches(node)
        values = [self.value(v) for _, v in pairs]
        known = [v for v in values if v is not None]
        families = {v.family for v in known} - {"null"}
        if families == {"integer", "decimal"}:
            known, families = [self._real(v) for v in known], {"decimal"}
        if len(known) != len(values) or len(families) != 1:
            return None
        kind = families.pop()
        blank = next(v.value for v in known if v.family == kind)
        result = Value(kind, blank, self.bool_(True))
        for (condition, _), value in zip(reversed(pairs), reversed(known), strict=True):
            new = blank if value.family == "null" else value.value
            result = Value(
                kind,
                self.z3.If(condition, new, result.value),
                self.z3.If(condition, value.null, result.null),
            )
        return result

    def _chosen_truth(self, node: Node) -> Truth:
        result = Truth(self.bool_(False), self.bool_(False))
        for condition, value in reversed(self._branches(node)):
            truth = self.truth(value)
            result = Truth(
                self.z3.If(condition, truth.true, result.true),
                self.z3.If(condition, truth.false, result.false),
            )
        return result

    def _branches(self, node: Node) -> list[tuple[Any, Node]]:
        """(when it is taken, unless an earlier one is; what it gives), in order."""
        always = self.bool_(True)
        if isinstance(node, exp.Coalesce):
            parts = [node.this, *node.expressions]
            return [(self.z3.Not(self._null(p)), p) for p in parts]
        if isinstance(node, exp.Nullif):
            equal = self.truth(exp.EQ(this=node.this.copy(), expression=node.expression.copy()))
            return [(equal.true, exp.null()), (always, node.this)]
        if isinstance(node, exp.If):
            rest = node.args.get("false") or exp.null()
            return [(self.truth(node.this).true, node.args["true"]), (always, rest)]
        found = []
        for branch in node.args["ifs"]:
            test = branch.this
            if node.this is not None:
                test = exp.EQ(this=node.this.copy(), expression=test.copy())
            found.append((self.truth(test).true, branch.args["true"]))
        return [*found, (always, node.args.get("default") or exp.null())]

    def _null(self, node: Node) -> Any:
        if self.scope.type_of(node) == "boolean":
            truth = self.truth(node)
            return self.z3.And(self.z3.Not(truth.true), self.z3.Not(truth.false))
        value = self.value(node)
        if value is not None:
            return value.null
        unknown = self.unknown_truth(exp.Is(this=node.copy(), expression=exp.null()))
        return unknown.true


def _is_constant(node: Node) -> bool:
    inner = node.unnest()
    signed = inner.this if isinstance(inner, exp.Neg) else inner
    return isinstance(signed, exp.Literal | exp.Null)


__all__ = ["Encoder", "available"]
