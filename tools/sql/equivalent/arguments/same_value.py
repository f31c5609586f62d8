"""Two expressions give the same value, such as a CASE whose changed branch is never reached.

Why: z3 finds no values of the columns, NULL among them, for which the results differ, given that
columns are NULL only where they may be, and that WHERE holds. Needs the extra ``proof``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot import exp

from tools.sql.equivalent import smt
from tools.sql.equivalent.pair import Pair
from tools.sql.equivalent.place import after_where, not_null_at
from tools.sql.equivalent.safety import cannot_fail
from tools.sql.equivalent.scope import Scope
from tools.sql.parse import Node

NAME = "same_value"
COST = 3

_UNDERSTOOD = (
    exp.Case, exp.If, exp.Coalesce, exp.Nullif, exp.Connector, exp.Predicate, exp.Not, exp.Between,
)  # fmt: skip


def holds(pair: Pair) -> str | None:
    """The reason why the values agree, or None."""
    scope = pair.scope
    if scope is None or not smt.available():
        return None
    levels = list(pair.climb())
    given = _given(levels[0][0], scope) if levels else []
    encoder: smt.Encoder | None = None
    for one, other, kind in _worth_a_question(levels, scope):
        if encoder is None:
            trees = [*levels[-1], *given]
            encoder = smt.Encoder(scope, not_null_at(one, scope), trees)
        if _agree(encoder, one, other, kind, given):
            return f"no values tell {one.sql('duckdb')} from {other.sql('duckdb')}"
    return None


def _worth_a_question(
    levels: Sequence[tuple[Node, Node]], scope: Scope
) -> Iterator[tuple[Node, Node, str]]:
    """The innermost level that z3 understands, and the outermost of each run of such levels.

    What differs there differs on the levels between: their questions would only cost time.
    """
    runs: list[list[tuple[Node, Node, str]]] = [[]]
    for one, other in ((a.unalias(), b.unalias()) for a, b in levels):
        if isinstance(one, exp.Paren) and isinstance(other, exp.Paren):
            continue
        if not isinstance(one, _UNDERSTOOD) and not isinstance(other, _UNDERSTOOD):
            runs.append([])
            continue
        kind = scope.type_of(one)
        if kind is None or kind != scope.type_of(other):
            continue
        if not cannot_fail(one) or not cannot_fail(other):
            break
        runs[-1].append((one, other, kind))
    asked = [run for run in runs if run]
    if asked and len(asked[0]) > 1:
        yield asked[0][0]
    yield from (run[-1] for run in asked)


def _agree(encoder: smt.Encoder, one: Node, other: Node, kind: str, given: list[Node]) -> bool:
    facts = [encoder.truth(g).true for g in given]
    if kind == "boolean":
        left, right = encoder.truth(one), encoder.truth(other)
        different = encoder.z3.Or(left.true != right.true, left.false != right.false)
        return encoder.impossible(*facts, different)
    first, second = encoder.value(one), encoder.value(other)
    if first is None or second is None or first.family != second.family or first.value is None:
        return False
    z3 = encoder.z3
    both = z3.And(z3.Not(first.null), z3.Not(second.null), first.value != second.value)
    return encoder.impossible(*facts, z3.Or(first.null != second.null, both))


def _given(node: Node, scope: Scope) -> list[Node]:
    """What holds of the rows; of no rows at all an aggregate without GROUP BY still gives one."""
    grouped = not scope.aggregated or bool(scope.select.args.get("group"))
    return list(scope.filters()) if after_where(node) and grouped else []
