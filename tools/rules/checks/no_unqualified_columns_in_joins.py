"""Where tables are joined, every column says which one it is from.

Anti-pattern: ``select status from orders join customers ...``. It works until customers get a
status too; then it fails, or takes the wrong one.

Best practice: ``orders.status``.
"""

from __future__ import annotations

from collections.abc import Iterator

from tools.findings import Location
from tools.rules.breach import Breach, Options
from tools.rules.items import Item

NAME = "no_unqualified_columns_in_joins"
ON = ("sql",)


class Params(Options):
    """``kinds`` of query that are looked at."""

    kinds: list[str] = ["model"]


def check(item: Item, params: Params) -> Iterator[Breach]:
    """Yields a breach for each column without a table in a select with joins."""
    if item.sql is None or item.sql.kind not in params.kinds:
        return
    for spot in item.sql.audit().bare_columns:
        where = Location(item.sql.path, spot.line)
        message = f"{spot.what} does not say which of the joined tables it is from"
        yield Breach(message, f"write <table>.{spot.what}", where)
