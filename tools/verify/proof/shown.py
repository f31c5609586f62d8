"""A difference as text: the rows that go in, what the spec says comes out, what came out."""

from __future__ import annotations

from collections.abc import Sequence

from tools.verify.compare import Difference
from tools.verify.dataset import Row, Table
from tools.verify.proof.engine import Batches
from tools.verify.results import rows_table

_MOST_ROWS = 5
_MOST_COLUMNS = 8


def witness_text(
    batches: Batches, found: Difference | None, reason: str, key: Sequence[str]
) -> str:
    """What shows that the code is wrong.

    Args:
        batches: the rows that go in, at each load.
        found: how the rows that come out differ; None when none came out.
        reason: in words, when none came out.
        key: columns that tell the rows apart.
    """
    parts = [input_text(batches)]
    if found is None:
        return "\n".join([*parts, f"got: {reason}"])
    columns = _telling(found, key)
    for title, rows in (("expected", found.missing), ("got", found.extra)):
        parts.append(f"{title}:{_rows(found.columns, rows, columns) or ' no row'}")
    for name, (expected, got) in found.kinds.items():
        parts.append(f"type of {name}: expected {expected}, got {got}")
    return "\n".join(parts)


def row_count(batches: Batches) -> int:
    """The rows that go in, over all loads."""
    return sum(b.size for b in batches)


def input_text(batches: Batches) -> str:
    """The rows that go in, load by load."""
    parts = []
    for number, batch in enumerate(batches, 1):
        load = f"load {number}, " if len(batches) > 1 else ""
        filled = [(r, t) for r, t in batch.tables.items() if t.rows]
        parts += [f"{load}{reference}:\n{_table(table)}" for reference, table in filled]
        if not filled:
            parts.append(f"{load}no rows")
    return "\n".join(parts)


def _table(table: Table) -> str:
    """At most some rows and columns; columns that say something come first."""
    filled = [i for i in range(len(table.columns)) if any(r[i] is not None for r in table.rows)]
    chosen = sorted((filled or [0])[:_MOST_COLUMNS])
    rows = [[row[i] for i in chosen] for row in table.rows[:_MOST_ROWS]]
    names = [table.names[i] for i in chosen]
    left = len(table.columns) - len(chosen)
    more = [f"({left} more columns)"] if left and len(filled) > len(chosen) else []
    rest = len(table.rows) - len(rows)
    more += [f"({rest} more rows)"] if rest else []
    return "\n".join([rows_table(names, rows), *more])


def _telling(found: Difference, key: Sequence[str]) -> list[str]:
    """The columns worth showing: the key, and those that differ."""
    if not found.values:
        return list(found.columns[:_MOST_COLUMNS])
    lowered = {k.lower() for k in key}
    return [c for c in found.columns if c.lower() in lowered or c in found.values][:_MOST_COLUMNS]


def _rows(columns: Sequence[str], rows: Sequence[Row], wanted: Sequence[str]) -> str:
    if not rows:
        return ""
    places = [columns.index(c) for c in wanted]
    shown = [[row[i] for i in places] for row in rows[:_MOST_ROWS]]
    more = f"\n({len(rows) - _MOST_ROWS} more)" if len(rows) > _MOST_ROWS else ""
    return "\n" + rows_table(list(wanted), shown) + more
