"""Which columns of a result say the same when the same rows lie in another order.

A result that depends on the order of its input (ties in ``row_number``, lists without an order)
is not determined by its SQL: a mutant that differs there need not be wrong.
"""

from __future__ import annotations

from collections.abc import Sequence

from tools.verify.mutants.bags import Row, same_bag


def stable_columns(
    one: Sequence[Sequence[Row]], other: Sequence[Sequence[Row]]
) -> list[int] | None:
    """The indexes of the columns that agree in both results, together as well as alone.

    Args:
        one: the rows after each load.
        other: the rows after each load, made from the same input in another order.

    Returns:
        None when no comparison is possible: other numbers of rows, or columns that agree alone
        and not together.
    """
    if [len(rows) for rows in one] != [len(rows) for rows in other]:
        return None
    width = next((len(row) for rows in one for row in rows), 0)
    if _agree(one, other, range(width)):
        return list(range(width))
    alone = [at for at in range(width) if _agree(one, other, [at])]
    return alone if alone and _agree(one, other, alone) else None


def _agree(
    one: Sequence[Sequence[Row]], other: Sequence[Sequence[Row]], columns: Sequence[int]
) -> bool:
    return all(
        same_bag([_some(r, columns) for r in a], [_some(r, columns) for r in b])
        for a, b in zip(one, other, strict=True)
    )


def _some(row: Row, columns: Sequence[int]) -> Row:
    return tuple(row[i] for i in columns)
