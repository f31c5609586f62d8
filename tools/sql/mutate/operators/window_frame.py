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

_UNFRAMED = (exp.RowNumber, exp.Rank, exp.DenseRank, exp.PercentRank, exp.CumeDist, exp.Ntile, exp.Lag, exp.Lead)


def changes(query: Query) -> Iterator[Change]:
    """Frames over the whole group, up to the row before, by ``rows`` for ``range`` and back."""
    for window in query.all(exp.Window):
        function = window.this.find(exp.Func) if window.arg_key != "windows" else None
        if function is None or isinstance(function, _UNFRAMED) or window.args.get("alias"):
            continue
        spec = window.args.get("spec")
        if spec is None and window.args.get("order") is not None:
            yield _framed(window, "ROWS", "UNBOUNDED", "PRECEDING", "UNBOUNDED", "FOLLOWING")
            yield _framed(window, "ROWS", "UNBOUNDED", "PRECEDING", "CURRENT ROW", None)
        elif spec is not None:
            yield from _respelled(spec)


def _framed(window: Node, kind: str, start: str, start_side: str, end: str, end_side: str | None) -> Change:
    spec = exp.WindowSpec(kind=kind, start=start, start_side=start_side, end=end, end_side=end_side)
    what = f"frame of {text(window)} becomes {text(spec).lower()}"
    return Change(window, what, (Edit(window, "spec", spec),))


def _respelled(spec: Node) -> Iterator[Change]:
    kind = str(spec.args.get("kind")).upper()
    other = {"ROWS": "RANGE", "RANGE": "ROWS"}.get(kind)
    simple = not isinstance(spec.args.get("start"), exp.Expr) and not isinstance(
        spec.args.get("end"), exp.Expr
    )
    if other and simple:
        what = f"frame by {kind.lower()} becomes by {other.lower()}"
        yield Change(spec, what, (Edit(spec, "kind", other),))
    end = str(spec.args.get("end")).upper()
    if end == "CURRENT ROW" and kind == "ROWS":
        edits = Edit(spec, "end", exp.Literal.number(1)), Edit(spec, "end_side", "PRECEDING")
        yield Change(spec, "frame ends at the row before the current row", edits)
    if end != "UNBOUNDED":
        edits = Edit(spec, "end", "UNBOUNDED"), Edit(spec, "end_side", "FOLLOWING")
        yield Change(spec, "frame ends with the group", edits)
    if str(spec.args.get("start")).upper() != "UNBOUNDED":
        edits = Edit(spec, "start", "UNBOUNDED"), Edit(spec, "start_side", "PRECEDING")
        yield Change(spec, "frame starts with the group", edits)
