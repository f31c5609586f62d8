"""Rows in the order that a spec asks for, and whether that order is decided."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tools.sql.infer import parse_order
from tools.sql.parse import Node, SqlError
from tools.verify.oracle.engine import CannotEvaluate, Engine
from tools.verify.oracle.frame import Frame, bind, same


@dataclass(frozen=True)
class OrderBy:
    """An item of ``order_by``: an expression, its direction, and where NULL stands.

    Dialects differ in where NULL stands when an item does not say; the parser has settled it.
    """

    tree: Node
    descending: bool
    nulls_first: bool


def order_item(text: str, dialect: str, frame: Frame, home: str) -> OrderBy:
    """``updated_at desc`` over the values of a frame.

    Raises:
        CannotEvaluate: it does not parse, or names what is not there.
    """
    try:
        item = parse_order(text, dialect)
    except SqlError as error:
        raise CannotEvaluate(error.message, "write it as column or column desc") from error
    tree = bind(item.this, frame, home)
    return OrderBy(tree, bool(item.args.get("desc")), bool(item.args.get("nulls_first")))


def compare(left: Any, right: Any) -> int:
    """-1, 0 or 1 as SQL orders two values that are not NULL; NaN is the greatest number."""
    if same(left) == same(right):
        return 0
    if isinstance(left, float) and left != left:  # noqa: PLR0124 - that is what NaN is
        return 1
    if isinstance(right, float) and right != right:  # noqa: PLR0124
        return -1
    return -1 if left < right else 1


def compare_item(left: Any, right: Any, item: OrderBy) -> int:
    """-1 when ``left`` comes first, 1 when ``right`` does, 0 when the item does not say."""
    if left is None or right is None:
        if left is None and right is None:
            return 0
        return -1 if (left is None) == item.nulls_first else 1
    found = compare(left, right)
    return -found if item.descending else found


@dataclass(frozen=True)
class First:
    """The row of each group that comes first, by index; and the others that tie with it."""

    index: int
    ties: tuple[int, ...]


def first_rows(
    engine: Engine, frame: Frame, by: Sequence[int], order: Sequence[OrderBy], dialect: str
) -> list[First]:
    """One row for each value of ``by``, NULL being a value like any other.

    Args:
        engine: gives the values of the order's expressions.
        frame: the rows.
        by: which values tell the groups apart.
        order: what comes first.
        dialect: of the order's expressions.
    """
    sorting, _ = engine.scalars(frame.kinds, frame.rows, [o.tree for o in order], dialect)

    def compared(one: int, two: int) -> int:
        for left, right, item in zip(sorting[one], sorting[two], order, strict=True):
            found = compare_item(left, right, item)
            if found:
                return found
        return 0

    groups: dict[Any, list[int]] = {}
    for index, row in enumerate(frame.rows):
        groups.setdefault(tuple(same(row[k]) for k in by), []).append(index)
    chosen = []
    for members in groups.values():
        ordered = sorted(members, key=functools.cmp_to_key(compared))
        ties = tuple(i for i in ordered[1:] if compared(ordered[0], i) == 0)
        chosen.append(First(ordered[0], ties))
    return chosen
