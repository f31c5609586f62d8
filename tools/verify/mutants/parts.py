"""The CTEs of the original as tables, so that of a mutant only what changed has to run."""

from __future__ import annotations

from dataclasses import dataclass

from tools.sql.mutate.text import body_of, cte_queries
from tools.sql.render import identifier
from tools.verify.mutants.execute import Print, fingerprint
from tools.verify.mutants.session import Failed, Session
from tools.verify.mutants.store import CTES

_UNTYPED = ('"NULL"', "NULL", "INTEGER_LITERAL", "STRING_LITERAL")


@dataclass(frozen=True)
class Parts:
    """What each CTE of the original gives: the number of its columns, and the fingerprint."""

    prints: tuple[tuple[int, Print], ...]

    def same(self, session: Session, index: int, query: str) -> bool:
        """Whether a query gives what a CTE of the original gave.

        Raises:
            Failed: when it fails.
        """
        width, expected = self.prints[index]
        return fingerprint(session, query, width, range(width)) == expected


def parts_of(session: Session, sql: str, schema: str = CTES) -> Parts | None:
    """Makes a table of each CTE, where that changes nothing; None where it would.

    Args:
        session: with the data set; the tables are for all sessions of its database.
        sql: the original.
        schema: for the tables; the session has to look there first.
    """
    ctes = cte_queries(sql)
    if not ctes:
        return None
    prints = []
    try:
        session.run(f"create schema if not exists {schema}")
        for name, query in ctes:
            columns = session.names(query)
            names = [c.lower() for c, _ in columns]
            if any(kind in _UNTYPED for _, kind in columns) or len(set(names)) < len(names):
                return None
            table = f"{schema}.{identifier(name)}"
            session.run(f"create or replace table {table} as {query}")
            found = fingerprint(session, f"select * from {table}", len(names), range(len(names)))
            prints.append((len(names), found))
    except Failed:
        return None
    return Parts(tuple(prints))


__all__ = ["Parts", "body_of", "parts_of"]
