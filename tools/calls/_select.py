"""A program of its own that reads rows of a DuckDB file, which it can neither change nor leave.

Reads one JSON object from its standard input (``database``, ``sql``, ``limit``) and prints one:
``columns``, ``types``, ``rows``, ``more``; or ``error``.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import duckdb

_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": False,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "lock_configuration": True,
    "memory_limit": "2GB",
    "threads": 2,
}


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def main() -> None:
    """Reads."""
    task = json.load(sys.stdin)
    try:
        connection = duckdb.connect(task["database"], read_only=True, config=_SETTINGS)
        cursor = connection.execute(task["sql"])
        rows = cursor.fetchmany(task["limit"] + 1)
    except duckdb.Error as error:
        print(json.dumps({"error": str(error)}))  # noqa: T201
        return
    found = {
        "columns": [column[0] for column in cursor.description or []],
        "types": [str(column[1]) for column in cursor.description or []],
        "rows": [[_plain(value) for value in row] for row in rows[: task["limit"]]],
        "more": len(rows) > task["limit"],
    }
    print(json.dumps(found))  # noqa: T201


if __name__ == "__main__":
    main()
