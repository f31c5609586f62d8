"""The columns of models, as their own SQL gives them on tables without rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb

from tools.verify.mutants.clock import Clock
from tools.verify.mutants.session import Failed, Session
from tools.verify.project.check import prepare
from tools.verify.project.tables import Relation, bare_kind
from tools.verify.proof.engine import make_room

_SECONDS = 3.0


def derive(
    queries: Mapping[str, str],
    known: Mapping[str, Relation],
    declared: Mapping[str, Mapping[str, Any]],
) -> tuple[dict[str, Relation], dict[str, str]]:
    """The models with their columns; why some have none.

    Args:
        queries: the SQL of models by relation, each after those that it reads.
        known: sources and the like.
        declared: dbt's node of each model, by relation: its columns where SQL gives none.

    Returns:
        relations by name, and by name why a model has no columns of its own.
    """
    found: dict[str, Relation] = {}
    why: dict[str, str] = {}
    connection = duckdb.connect(":memory:", config={"autoinstall_known_extensions": False})
    try:
        prepare(connection)
        with Clock() as clock:
            session = Session(connection, clock, _SECONDS)
            for relation in known.values():
                _create(connection, session, relation)
            missing = [n for n in declared if n not in queries and n not in known]
            for name in [*missing, *queries]:
                relation = Relation(name, origin="its own SQL")
                make_room(connection, relation.sql)
                try:
                    if name not in queries:
                        raise Failed("binds", "dbt gives no SQL for it")
                    session.run(
                        f"create table {relation.sql} as select * from ({queries[name]}) limit 0"
                    )
                    columns = session.names(f"select * from {relation.sql}")
                    relation.columns = {n: bare_kind(k) for n, k in columns}
                except Failed as failed:
                    why[name] = " ".join(failed.message.split())[:200]
                    relation.columns = _declared(declared.get(name, {}))
                    relation.origin = "declared" if relation.columns else ""
                    _create(connection, session, relation)
                found[name] = relation
    finally:
        connection.close()
    return found, why


def _create(connection: duckdb.DuckDBPyConnection, session: Session, relation: Relation) -> None:
    make_room(connection, relation.sql)
    columns = ", ".join(f'"{n}" {k or "varchar"}' for n, k in relation.columns.items())
    if columns:
        session.run(f"create or replace table {relation.sql} ({columns})")


def _declared(node: Mapping[str, Any]) -> dict[str, str]:
    return {
        str(c["name"]): bare_kind(str(c.get("data_type") or "varchar"))
        for c in node.get("columns", {}).values()
    }
