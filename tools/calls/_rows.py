"""Rows of the development database, for a model: read only, few, without personal data."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools import confine
from tools.calls._cage import cage_for
from tools.calls._specs import personal
from tools.desk import Desk, ToolError
from tools.sql.expose import disguised
from tools.sql.parse import SqlError, parse_query
from tools.verify.results import rows_table

SECONDS = 30.0
_PROGRAM = Path(__file__).with_name("_select.py")  # not imported: that would import duckdb


@dataclass(frozen=True)
class Found:
    """What a query gave."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    more: bool
    hidden: Collection[str]

    def text(self) -> str:
        """As aligned text, with what was left out."""
        typed = list(zip(self.columns, self.types, strict=True))
        names = [f"{name} ({kind.lower()})" for name, kind in typed]
        personal = [name.lower() in self.hidden for name in self.columns]
        masked = {shown.lower() for shown, hide in zip(names, personal, strict=True) if hide}
        count = "1 row" if len(self.rows) == 1 else f"{len(self.rows)} rows"
        notes = [f"[{count}{', and more' if self.more else ''}]"]
        if masked:
            notes.append("[*** hides personal data]")
        return "\n".join([rows_table(names, self.rows, masked), *notes])


def select(desk: Desk, database: Path, sql: str, limit: int) -> Found:
    """Runs one query.

    Args:
        desk: the desk.
        database: the DuckDB file.
        sql: one query; anything else is refused.
        limit: rows.

    Raises:
        ToolError: it is no single query, it fails, or it takes too long.
    """
    try:
        tree = parse_query(sql, "duckdb")
    except SqlError as error:
        where = f" (line {error.line})" if error.line else ""
        said = f"the query {error.message}{where}; one select is run, nothing else"
        raise ToolError(said) from error
    if not database.is_file():
        raise ToolError("the database is not there yet: build the models first.")
    hidden = personal(desk)
    why = disguised(tree, hidden)
    if why:
        raise ToolError(
            f"the query could show personal data ({why}): select such a column by its own name, "
            f"where its values are hidden, or count, compare or hash it. They are: "
            f"{', '.join(sorted(hidden))}"
        )
    task = {"database": str(database.resolve()), "sql": tree.sql("duckdb"), "limit": limit}
    program = [sys.executable, "-I", str(_PROGRAM)]
    cage = cage_for(desk, readable=(database.resolve().parent,), lasting=True)
    ended = confine.run(program, cage, timeout=SECONDS, cancel=desk.cancel, stdin=json.dumps(task))
    if ended.cancelled or ended.timed_out:
        why = "stopped by the person" if ended.cancelled else f"took longer than {SECONDS:g} s"
        raise ToolError(f"the query {why}: ask for less, or filter earlier.")
    if ended.code != 0:
        raise ToolError(f"the query crashed the database program: {ended.stderr[-500:]}")
    answer = json.loads(ended.stdout)
    if "error" in answer:
        raise ToolError(f"the database says: {answer['error']}")
    rows = tuple(tuple(row) for row in answer["rows"])
    return Found(tuple(answer["columns"]), tuple(answer["types"]), rows, answer["more"], hidden)
