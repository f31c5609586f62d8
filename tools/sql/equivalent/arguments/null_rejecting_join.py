"""An outer join is an inner one where the rows that it adds are filtered away.

Why: the added rows have NULL in every column of one side, and a condition that every row has to
meet is not true of such rows (Galindo-Legaria and Rosenthal, 1997).
"""

from __future__ import annotations

from collections.abc import Collection

from sqlglot import exp

from tools.sql.equivalent.arguments.total_join import partner
from tools.sql.equivalent.nulls import rejects
from tools.sql.equivalent.pair import Pair
from tools.sql.equivalent.scope import Scope, Source
from tools.sql.parse import Node

NAME = "null_rejecting_join"
COST = 1

_ADDED = {"": set(), "LEFT": {"right"}, "RIGHT": {"left"}, "FULL": {"left", "right"}}


def holds(pair: Pair) -> str | None:
    """The reason why the rows that only one of the joins adds do not stay, or None."""
    one, other = pair.place
    scope = pair.scope
    if not isinstance(one, exp.Join) or not pair.only("side", "kind") or scope is None:
        return None
    sides = [str(j.side or "").upper() for j in (one, other) if isinstance(j, exp.Join)]
    kinds = {str(j.args.get("kind") or "").upper() for j in (one, other)}
    if kinds - {"", "INNER", "OUTER"} or any(s not in _ADDED for s in sides):
        return None
    at = next((i for i, s in enumerate(scope.sources) if s.join is one), None)
    if at is None or not scope.plain or not _others_plain(scope, at):
        return None
    reasons = []
    for null_side in _ADDED[sides[0]] ^ _ADDED[sides[1]]:
        absent = scope.sources[at : at + 1] if null_side == "right" else scope.sources[:at]
        part = _rejecting(scope, at, absent)
        several = len(_ADDED[sides[0]] ^ _ADDED[sides[1]]) > 1  # else it is total_join's
        total = (
            partner(pair, scope, scope.sources[at]) if several and null_side == "right" else None
        )
        if part is not None:
            reasons.append(f"{part.sql('duckdb')} is not true of the rows that the join adds")
        elif total is not None:
            reasons.append(total)
        else:
            return None
    return ", ".join(reasons) or None


def _others_plain(scope: Scope, at: int) -> bool:
    """Whether no other join may leave out what came before it."""
    return all(s.side in ("", "LEFT") for i, s in enumerate(scope.sources) if i != at)


def _rejecting(scope: Scope, at: int, absent: Collection[Source]) -> Node | None:
    """A condition on every row that NULL in all columns of some sources fails."""
    names = {s.alias for s in absent}

    def missing(column: exp.Column) -> bool:
        owner = scope.resolve(column)
        return owner is not None and owner[0].alias in names

    where = scope.select.args.get("where")
    conditions = [where.this] if where is not None else []
    conditions += [s.on for s in scope.sources[at + 1 :] if s.inner and s.on is not None]
    return next((c for c in conditions if rejects(c, missing)), None)
