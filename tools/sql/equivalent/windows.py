"""Windows laid bare: function, partition, order and frame, named windows looked up."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from tools.sql.equivalent.pair import Pair
from tools.sql.parse import Node


@dataclass(frozen=True)
class Shape:
    """A window function.

    Args:
        function: what is worked out; None for a named window.
        partition: what it is partitioned by.
        order: its sort keys.
        frame: nothing for the default; ``rows`` or ``range`` for the frame up to the current row
            in that unit; else the frame as text.
    """

    function: Node | None
    partition: list[Node]
    order: list[Node]
    frame: str


def around(pair: Pair) -> tuple[Node, Node] | None:
    """The windows that hold the place in both trees, when they hold every difference."""
    for one, other in pair.climb():
        if isinstance(one, exp.Window) and isinstance(other, exp.Window):
            return one, other
    return None


def shape(window: Node) -> Shape | None:
    """The parts of a window; None when the window that it names is not there."""
    named = window.arg_key == "windows"
    partition, order, spec = _own(window)
    base = window.text("alias")
    if base:
        select = window.find_ancestor(exp.Select)
        listed = select.args.get("windows") or [] if select is not None else []
        found = next((w for w in listed if w.name.lower() == base.lower()), None)
        if found is None or found.text("alias"):
            return None
        theirs = _own(found)
        partition, order, spec = partition or theirs[0], order or theirs[1], spec or theirs[2]
    return Shape(None if named else window.this, partition, order, _frame(spec))


def _own(window: Node) -> tuple[list[Node], list[Node], Node | None]:
    order = window.args.get("order")
    items = list(order.expressions) if order is not None else []
    return list(window.args.get("partition_by") or []), items, window.args.get("spec")


def _frame(spec: Node | None) -> str:
    if spec is None:
        return ""
    args = {k: str(v).lower() for k, v in spec.args.items() if v is not None}
    usual = {"start": "unbounded", "start_side": "preceding", "end": "current row"}
    kind = args.pop("kind", "")
    plain = {k: v for k, v in args.items() if v not in ("", "none", "false", "[]")}
    if plain == usual and kind in ("rows", "range"):
        return kind
    return spec.sql("duckdb").lower()
