"""A version is closed and its successor is not inserted.

Stands for: an SCD2 load whose update ran and whose insert did not, so that the current state of
every key that ever changed is missing.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tools.sql.mutate.change import Change, Edit
from tools.sql.mutate.query import Query, interval_end
from tools.sql.parse import Node

NAME = "scd2_close"


def changes(query: Query) -> Iterator[Change]:
    """Every select that makes interval ends with LEAD, without the last version of changed keys."""
    for select in query.all(exp.Select):
        for item in select.expressions:
            lead = next(
                (w for w in item.find_all(exp.Window) if isinstance(w.this, exp.Lead)), None
            )
            if lead is None or not isinstance(item, exp.Alias) or not interval_end(item):
                continue
            what = f"the version without {item.alias} is left out for keys that changed"
            yield Change(item, what, (_only_closed(select, lead),))


def _only_closed(select: exp.Select, lead: Node) -> Edit:
    lag = lead.copy()
    lag.set("this", exp.Lag(this=lead.this.this.copy()))
    last = exp.Is(this=lead.copy(), expression=exp.null())
    follows = exp.Not(this=exp.Is(this=lag, expression=exp.null()))
    kept = exp.Not(this=exp.Paren(this=exp.And(this=last, expression=follows)))
    qualify = select.args.get("qualify")
    if qualify is None:
        return Edit(select, "qualify", exp.Qualify(this=kept))
    old = exp.Paren(this=qualify.this.copy())
    return Edit(qualify, "this", exp.And(this=old, expression=kept))
