"""Reads rows of the development database."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from tools.calls._dbt import project_of
from tools.calls._output import shaped
from tools.calls._rows import select
from tools.desk import Desk, ToolResult

EFFECT = "read"


def query(
    desk: Desk,
    sql: str,
    limit: Annotated[int, Field(ge=1, le=500)] = 50,
    project: str = "",
    pipeline: str = "",
) -> ToolResult:
    """Run one select on the development database (DuckDB) and show its rows; nothing can change.

    Models are in the schemas of their layers (marts.dim_order), sources in raw; the tables are in
    information_schema.tables. Values of personal columns are hidden.

    Args:
        sql: One query in DuckDB's dialect, with select or with.
        limit: How many rows to show at most.
        project: The folder of the dbt project; needed only where there are several.
        pipeline: The pipeline whose database is read; needed only where there are several.
    """
    found = select(desk, project_of(desk, project, pipeline).database, sql, limit)
    return shaped(desk, "query", found.text())
