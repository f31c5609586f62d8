"""When each content of a source table was first loaded; the database remembers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path

from tools.verify.worker import DbtWorker

META = "specmill_meta"
"""The schema for what specmill has to remember between runs."""


class LoadTimes:
    """Which content was loaded when: kept in the database, asked once."""

    def __init__(self, worker: DbtWorker, database: Path, now: dt.datetime) -> None:
        self.worker, self.database, self.now = worker, database, now
        columns = "table_name varchar, sha256 varchar, loaded_at timestamp"
        latest = "select table_name, arg_max(sha256, loaded_at), max(loaded_at)"
        found = worker.sql(
            database,
            [
                f"create schema if not exists {META}",
                f"create table if not exists {META}.loads ({columns})",
                f"{latest} from {META}.loads group by 1",
            ],
        )[-1]
        self.latest = {row[0]: (row[1], dt.datetime.fromisoformat(row[2])) for row in found.rows}

    def loaded_at(self, table: str, sha256: str) -> dt.datetime:
        """When this content came: as before if nothing changed, else now (and never earlier)."""
        now = self.now.astimezone(dt.UTC).replace(tzinfo=None)
        before = self.latest.get(table)
        if before is None:
            return now
        if before[0] == sha256:
            return before[1]
        return max(now, before[1] + dt.timedelta(microseconds=1))

    def remember(self, loaded: Iterable[tuple[str, str]]) -> None:
        """Records contents, as (table, sha256), that were not there before."""
        new = [
            [table, sha256, str(self.loaded_at(table, sha256))]
            for table, sha256 in loaded
            if self.latest.get(table, ("",))[0] != sha256
        ]
        insert = f"insert into {META}.loads values (?, ?, cast(? as timestamp))"
        if new:
            self.worker.sql(self.database, [(insert, row) for row in new])
