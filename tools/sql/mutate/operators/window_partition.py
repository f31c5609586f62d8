"""A window mixes groups that it should keep apart.

Stands for: a missing ``partition by``, after which a rank or a running total runs on from one
customer to the next.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tools.sql.mutate.change import Change, Edit, text
from tools.sql.mutate.query import Query

NAME = "window_partition"


def changes(query: Query) -> Iterator[Change]:
    """Every window without each of its partition columns."""
    for window in query.all(exp.Window):
        parts = window.args.get("partition_by") or []
        for at, part in enumerate(parts):
            rest = [*parts[:at], *parts[at + 1 :]]
            edit = Edit(window, "partition_by", rest or None)
            yield Change(part, f"partition by {text(part)} dropped", (edit,))
