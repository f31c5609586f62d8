"""A window function sees too many or too few rows.

Stands for: ``range`` for ``rows`` where keys tie, a running total that sums the whole group, a
``last_value`` that stops at the current row, a moving average one row too long.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from tools.sql.mutate.change import Change, Edit, text
from tools.sql.mutate.query import Query
from tools.sql.parse import Node

NAME = "window_frame"

_UNFRAMED = (
    exp.RowNumber,
    exp.Rank,
    exp.DenseRank,
    exp.PercentRank,
    exp.CumeDist,
    exp.Ntile,
    exp.Lag,
    exp.Lead,
)


def changes(query: Query) -> Iterator[Change]:
    """Frames over the whole group, up to the row before, by ``rows`` for ``range`` and back."""
    for window in query.all(exp.Window):
        function = window.this.find(exp.Func) if window.arg_key != "windows" else None
        if function is None or isinstance(function, _UNFRAMED) or window.args.get("alias"):
            continue
        if isinstance(window.this, exp.FirstValue):
            continue  # whatever the frame's end, its first row is the same
        spec = window.args.get("spec")
        if spec is None and window.args.get("order") is not None:
            yield _framed(window, end="unbounded", end_side="following")
            yield _framed(window, end="current row")
        elif spec is not None:
            yield from _respelled(spec)


def _framed(window: Node, **end: str) -> Change:
    spec = exp.WindowSpec(kind="rows", start="unbounded", start_side="preceding", **end)
    what = f"frame of {text(window)} becomes {text(spec)}"
    return Change(window, what, (Edit(window, "spec", spec),))


def _respelled(spec: Node) -> Iterator[Change]:
    kind = str(spec.args.get("kind")).upper()
    other = {"ROWS": "range", "RANGE": "rows"}.get(kind)
    simple = not isinstance(spec.args.get("start"), exp.Expr) and not isinstance(
        spec.args.get("end"), exp.Expr
    )
    if other and simple:
        what = f"frame by {kind.lower()} becomes by {other}"
        yield Change(spec, what, (Edit(spec, "kind", other),))
    end = str(spec.args.get("end")).upper()
    if end == "CURRENT ROW" and kind == "ROWS":
        edits = Edit(spec, "end", exp.Literal.number(1)), Edit(spec, "end_side", "preceding")
        yield Change(spec, "frame ends at the row before the current row", edits)
    if end != "UNBOUNDED":
        edits = Edit(spec, "end", "unbounded"), Edit(spec, "end_side", "following")
        yield Change(spec, "frame ends with the group", edits)
    if str(spec.args.get("start")).upper() != "UNBOUNDED":
        edits = Edit(spec, "start", "unbounded"), Edit(spec, "start_side", "preceding")
        yield Change(spec, "frame starts with the group", edits)
