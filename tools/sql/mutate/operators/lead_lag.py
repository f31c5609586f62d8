"""A row looks at another neighbour.

Stands for: an end of validity taken from the version before, a change found against the next row,
a step of two, a first row that gets the wrong default.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tools.sql.mutate.change import Change, Edit, swap, text
from tools.sql.mutate.query import Query

NAME = "lead_lag"


def changes(query: Query) -> Iterator[Change]:
    """LEAD as LAG and back, one row further, without its default, without IGNORE NULLS."""
    for node in query.all(exp.Lag, exp.Lead):
        other = exp.Lead if isinstance(node, exp.Lag) else exp.Lag
        by = other(**{k: v.copy() for k, v in node.args.items() if isinstance(v, exp.Expr)})
        yield Change(node, f"{text(node)} becomes {text(by)}", (swap(node, by),))
        if node.args.get("offset") is None:
            edit = Edit(node, "offset", exp.Literal.number(2))
            yield Change(node, f"{text(node)} looks two rows away", (edit,))
        if node.args.get("default") is not None:
            edit = Edit(node, "default", None)
            yield Change(node, f"default of {text(node)} dropped", (edit,))
    for ignoring in query.all(exp.IgnoreNulls):
        if isinstance(ignoring.this, exp.AnyValue):
            continue  # how any_value is parsed, not what was written
        what = f"ignore nulls of {text(ignoring)} dropped"
        yield Change(ignoring, what, (swap(ignoring, ignoring.this.copy()),))
