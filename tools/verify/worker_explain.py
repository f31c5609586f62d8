"""What the database itself says of failures, and rows that show them; inside the worker process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from tools.verify.mutants.clock import Clock
from tools.verify.worker_limit import Limit, TookTooLong, is_late
from tools.verify.worker_sql import StatementError, connect, plain

_SAMPLE_ROWS = 5
_SECONDS = 10.0
"""How long a failure is looked into at most."""


def explain(
    database: str, results: Sequence[dict[str, Any]], nodes: Mapping[str, Any], seconds: float
) -> None:
    """Adds rows to failing tests (``sample``) and DuckDB's account to models (``explained``).

    Args:
        database: the DuckDB file.
        results: entries as run_results.json has them; those with ``compiled_code`` failed. Nothing
            more is to be learnt of those that took too long.
        nodes: the nodes of the results by id.
        seconds: that a statement may take.
    """
    wanted = [r for r in results if r["compiled_code"] and not is_late(r["message"])]
    if not wanted:
        return
    try:
        connection = connect(database)
    except StatementError:
        return  # the failure that is being reported is the one that counts
    try:
        with Clock() as clock:
            limit = Limit(clock, min(seconds, _SECONDS))
            for entry in wanted:
                is_test = nodes[entry["unique_id"]]["resource_type"] == "test"
                _look(connection, entry, limit, is_test=is_test)
    finally:
        connection.close()


def _look(
    connection: duckdb.DuckDBPyConnection, entry: dict[str, Any], limit: Limit, *, is_test: bool
) -> None:
    code = entry["compiled_code"].strip().rstrip(";")
    try:
        with limit.over(connection):
            if is_test:
                limited = f"select * from (\n{code}\n) limit {_SAMPLE_ROWS}"
                cursor = connection.execute(limited)
                entry["sample"] = {
                    "columns": [d[0] for d in cursor.description or ()],
                    "rows": [[plain(v) for v in row] for row in cursor.fetchall()],
                }
            else:
                connection.execute(f"explain {code}")
    except (duckdb.Error, TookTooLong) as error:
        entry["explained"] = str(error)
