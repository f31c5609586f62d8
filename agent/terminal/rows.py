"""Why each row of the data sets is there, on a screen of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.console import Console
from rich.text import Text

from agent.terminal.console import print_indented
from tools.verify.outcome import RowReason

_TOLD = 3


def print_rows(console: Console, rows: Sequence[RowReason]) -> None:
    """Prints the rows by data set and table; rows of one reason share a line.

    Args:
        console: where to.
        rows: with their reasons, in the order of the data sets.
    """
    if not rows:
        return
    sets = len({r.dataset for r in rows})
    needed = [r for r in rows if r.tells]
    text = f"{len(rows)} rows in {sets} data sets"
    if needed:
        text += f"; {len(needed)} of them are what faults are told by"
    console.print()
    print_indented(console, Text(text), 2)
    for dataset, of_set in groupby(rows, lambda r: r.dataset):
        console.print()
        print_indented(console, Text(dataset, style="name"), 2)
        for table, of_table in groupby(of_set, lambda r: r.table):
            print_indented(console, Text(table, style="faint"), 4)
            for same in _alike(list(of_table)):
                _print(console, same)


def _alike(rows: Sequence[RowReason]) -> Iterator[list[RowReason]]:
    """Neighbours that are there for one reason; a row that faults need stands alone."""
    found: list[RowReason] = []
    for row in rows:
        if found and (row.tells or found[-1].tells or row.why != found[-1].why):
            yield found
            found = []
        found.append(row)
    if found:
        yield found


def _print(console: Console, rows: Sequence[RowReason]) -> None:
    first, last = rows[0], rows[-1]
    place = f"row {first.row}" if len(rows) == 1 else f"rows {first.row}-{last.row}"
    print_indented(console, Text(f"{place}: {first.why or 'no reason is known'}"), 6)
    told = list(dict.fromkeys(first.tells))
    if not told:
        return
    more = f"; and {len(told) - _TOLD} more" if len(told) > _TOLD else ""
    print_indented(console, Text(f"tells: {'; '.join(told[:_TOLD])}{more}", style="ok"), 8)
