"""A part of a join condition is missing.

Stands for: a join on half of a compound key, which multiplies rows (a fan-out) and counts money
twice; a forgotten ``and is_current`` or date range.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tools.sql.mutate.change import Change, Edit, text
from tools.sql.mutate.query import Query, conjunction, flat

NAME = "on_conjunct"


def changes(query: Query) -> Iterator[Change]:
    """Every ON without each of its conjuncts; USING without each of its columns."""
    for join in query.all(exp.Join):
        on = join.args.get("on")
        if on is not None:
            parts = flat(on, exp.And)
            for at, part in enumerate(parts):
                rest = [*parts[:at], *parts[at + 1 :]]
                left = conjunction(rest) if rest else exp.true()
                yield Change(
                    part, f"join condition {text(part)} dropped", (Edit(join, "on", left),)
                )
        using = join.args.get("using") or []
        for at, name in enumerate(using if len(using) > 1 else []):
            rest = [*using[:at], *using[at + 1 :]]
            yield Change(name, f"join column {text(name)} dropped", (Edit(join, "using", rest),))
