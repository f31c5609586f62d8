"""Two conditions are true of the same rows.

Why: z3 finds no values of the columns, NULL among them, for which one is true and the other is
not, given that columns are NULL only where they may be, and that other conditions on the rows
hold. Needs the extra ``proof``.
"""

from __future__ import annotations

from tools.sql.equivalent import smt
from tools.sql.equivalent.conditions import changed_conditions
from tools.sql.equivalent.pair import Pair
from tools.sql.equivalent.safety import cannot_fail

NAME = "same_condition"
COST = 3


def holds(pair: Pair) -> str | None:
    """The reason why the conditions agree, or None."""
    changed = changed_conditions(pair) if smt.available() else None
    if changed is None or not (cannot_fail(changed.one) and cannot_fail(changed.other)):
        return None
    trees = [changed.one, changed.other, *changed.given]
    encoder = smt.Encoder(changed.scope, changed.not_null, trees, groups=changed.groups)
    one, other = encoder.truth(changed.one), encoder.truth(changed.other)
    given = [encoder.truth(g).true for g in changed.given]
    if encoder.impossible(*given, one.true != other.true):
        return f"no values tell {changed.one.sql('duckdb')} from {changed.other.sql('duckdb')}"
    return None
