"""RANK and DENSE_RANK agree on who is first.

Why: both give 1 to the rows that tie for the first place and more to all others, and the number
is only compared with 1.
"""

from __future__ import annotations

from sqlglot import exp

from tools.sql.equivalent.pair import Pair

NAME = "first_rank"
COST = 1


def holds(pair: Pair) -> str | None:
    """The reason why only the first place counts, or None."""
    one, other = pair.place
    if {type(one), type(other)} != {exp.Rank, exp.DenseRank}:
        return None
    window = one.parent
    if not isinstance(window, exp.Window) or window.parent is None:
        return None
    test = window.parent
    right = test.args.get("expression")
    if not isinstance(right, exp.Literal) or right.is_string or test.this is not window:
        return None
    if isinstance(test, exp.EQ | exp.NEQ | exp.LTE | exp.GT) and right.name == "1":
        return "the rank is only compared with 1"
    if isinstance(test, exp.LT | exp.GTE) and right.name == "2":
        return "the rank is only compared with 2, from below"
    return None
