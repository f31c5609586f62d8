"""A part is missing where several are put together.

Stands for: a column left out of a surrogate key, of a row digest or of a full name; a candidate
left out of ``greatest``.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tools.sql.mutate.change import Change, Edit, swap, text
from tools.sql.mutate.query import Query

NAME = "argument_dropped"


def changes(query: Query) -> Iterator[Change]:
    """CONCAT, CONCAT_WS, GREATEST and LEAST without each argument; ``||`` without each side."""
    for node in query.all(exp.Concat, exp.ConcatWs, exp.Greatest, exp.Least, exp.DPipe):
        if isinstance(node, exp.DPipe):
            for gone, kept in ((node.this, node.expression), (node.expression, node.this)):
                if not isinstance(gone, exp.DPipe):
                    what = f"{text(gone)} dropped from {text(node)}"
                    yield Change(gone, what, (swap(node, kept.copy()),))
            continue
        parts = node.expressions
        fixed = 1 if isinstance(node, exp.ConcatWs) else 0  # the separator
        for at in range(fixed, len(parts) if len(parts) > fixed + 1 else 0):
            rest = [*parts[:at], *parts[at + 1 :]]
            what = f"{text(parts[at])} dropped from {text(node)}"
            yield Change(parts[at], what, (Edit(node, "expressions", rest),))
