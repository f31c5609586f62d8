"""A difference shown on as few loads and rows as will do."""

from __future__ import annotations

import time
from collections.abc import Callable

from tools.verify.proof.engine import Batches
from tools.verify.witness import minimise_loads

Holds = Callable[[Batches], bool]

SHARE = 0.4  # of the time for leaving out whole loads and tables, which is what saves most


def smallest(batches: Batches, holds: Holds, seconds: float) -> Batches:
    """The fewest loads and rows found within some seconds that still show something.

    Args:
        batches: loads that show it.
        holds: whether loads show it.
        seconds: how long to look.
    """
    started = time.monotonic()
    found = _fewer_loads(batches, holds, started + seconds * SHARE)
    found = _fewer_tables(found, holds, started + seconds * SHARE)
    found = minimise_loads(found, holds, seconds - (time.monotonic() - started))
    return _fewer_loads(found, holds, started + seconds)


def _fewer_loads(batches: Batches, holds: Holds, deadline: float) -> Batches:
    at = len(batches) - 1
    while at >= 0 and len(batches) > 1 and time.monotonic() < deadline:
        fewer = (*batches[:at], *batches[at + 1 :])
        if holds(fewer):
            batches = fewer
        at -= 1
    return batches


def _fewer_tables(batches: Batches, holds: Holds, deadline: float) -> Batches:
    for reference in batches[0].tables:
        filled = any(b.tables[reference].rows for b in batches)
        if not filled or time.monotonic() > deadline:
            continue
        fewer = tuple(b.keeping({reference: ()}) for b in batches)
        if holds(fewer):
            batches = fewer
    return batches
