"""Where NULLs are sorted does not matter where there are none.

Why: the sort key is never NULL in the rows that the window, the aggregate or the LIMIT sees.
"""

from __future__ import annotations

from sqlglot import exp

from tools.sql.equivalent.pair import Pair
from tools.sql.equivalent.place import surely_at

NAME = "nulls_place"
COST = 1


def holds(pair: Pair) -> str | None:
    """The reason why no NULL is sorted, or None."""
    one, _ = pair.place
    scope = pair.scope
    if scope is None or not isinstance(one, exp.Ordered) or not pair.only("nulls_first"):
        return None
    return f"{one.this.sql('duckdb')} is never NULL" if surely_at(one.this, scope) else None
