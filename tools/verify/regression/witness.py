"""A few rows that show how two revisions part: what goes in, what came out, what comes out now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from tools.verify.dataset import Row, Table
from tools.verify.proof.engine import Batches
from tools.verify.regression.report import Cells, Witness
from tools.verify.regression.tables import Change

_MOST_ROWS = 4
_MOST_COLUMNS = 8
_MOST_TEXT = 60


def shown(value: Any) -> str | None:
    """A value as text; NULL as None, long texts cut."""
    if value is None:
        return None
    if isinstance(value, Decimal):
        text = f"{value:f}"
    else:
        text = "true" if value is True else "false" if value is False else str(value)
    return text if len(text) <= _MOST_TEXT else text[: _MOST_TEXT - 1] + "…"


def cells(names: Sequence[str], rows: Sequence[Row], wanted: Sequence[str]) -> Cells:
    """Some columns of some rows, the first few of each."""
    places = [names.index(n) for n in wanted]
    some = tuple(tuple(shown(row[i]) for i in places) for row in rows[:_MOST_ROWS])
    return Cells(tuple(wanted), some, max(0, len(rows) - _MOST_ROWS))


def witness_of(
    batches: Batches, change: Change | None, failed: Mapping[str, str], key: Sequence[str]
) -> Witness:
    """What goes in and what comes out on either side.

    Args:
        batches: the rows that go in, at each load.
        change: how the tables differ; None when a side has none.
        failed: why a side has none.
        key: columns that tell rows apart.
    """
    given = tuple(
        tuple((ref, _filled(table)) for ref, table in batch.tables.items() if table.rows)
        for batch in batches
    )
    if change is None:
        return Witness(given, Cells((), ()), Cells((), ()), dict(failed))
    wanted = _telling(change, key)
    before = [*(p[0] for p in change.pairs), *change.removed]
    after = [*(p[1] for p in change.pairs), *change.added]
    return Witness(
        given, cells(change.columns, before, wanted), cells(change.columns, after, wanted)
    )


def _filled(table: Table) -> Cells:
    """The columns that hold something; they say why the rows are as they are."""
    names = [n for i, n in enumerate(table.names) if any(r[i] is not None for r in table.rows)]
    return cells(list(table.names), table.rows, (names or list(table.names))[:_MOST_COLUMNS])


def _telling(change: Change, key: Sequence[str]) -> list[str]:
    """The key, and the columns that differ; all of them where rows came or went."""
    lowered = {k.lower() for k in key}
    if change.pairs:
        wanted = [c for c in change.columns if c.lower() in lowered or c in change.values]
    else:
        wanted = sorted(change.columns, key=lambda c: c.lower() not in lowered)
    return wanted[:_MOST_COLUMNS]
