"""The unit tests that a project ships, with their values as the types that dbt would give them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from tools.sql.mutate.program import THIS
from tools.sql.render import literal
from tools.verify.dataset import Row, Table
from tools.verify.mutants.store import Prepare
from tools.verify.mutants.unit import UnitTest
from tools.verify.proof.agree import Case
from tools.verify.proof.compile import MOMENT_MACRO, Unit
from tools.verify.proof.declared import ShippedUnitTest
from tools.verify.proof.fields import Run
from tools.verify.proof.known import plain

Columns = tuple[tuple[str, str], ...]


def unit_test_of(
    test: ShippedUnitTest, case: Case, unit: Unit, runs: Sequence[Run]
) -> UnitTest | str:
    """A shipped unit test that can be run here, or why only dbt can run it.

    Args:
        test: the unit test.
        case: what is proved.
        unit: the model that the test is about.
        runs: what the code gave: the types of the relations that are read.
    """
    if test.problem:
        return test.problem
    if test.incremental and not unit.incremental:
        return "it is about an incremental form that the model has not"
    known = _columns(case, runs)
    own, given = plain(unit.relation), dict[str, Table]()
    for relation, rows in test.given.items():
        name = plain(relation)
        columns = known.get(name)
        if columns is None:
            return f"the types of {name} are not known"
        table = _table(columns, rows)
        if isinstance(table, str):
            return f"{name} has no column {table}"
        given[THIS if name == own else name] = table
    names = list(dict.fromkeys(k.lower() for row in test.expected for k in row))
    expected = [{k.lower(): v for k, v in row.items()} for row in test.expected]
    return UnitTest(
        test.name,
        given,
        Table(
            tuple((n, "") for n in names), tuple(tuple(r.get(n) for n in names) for r in expected)
        ),
        test.incremental,
    )


def with_moment(prepare: Prepare, moment: str) -> Prepare:
    """Makes a new database ready, for a load that happens at the moment a test names."""
    if not moment:
        return prepare

    def ready(connection: duckdb.DuckDBPyConnection) -> None:
        prepare(connection)
        connection.execute(
            f"create or replace macro {MOMENT_MACRO}() as cast({literal(moment)} as timestamp)"
        )

    return ready


def _columns(case: Case, runs: Sequence[Run]) -> dict[str, Columns]:
    """The columns of every relation, by plain name."""
    found: dict[str, Columns] = {}
    names = {u.name: plain(u.relation) for u in case.compiled.units}
    sources = {ref.lower(): plain(rel) for rel, ref in case.compiled.sources.items()}
    for run in runs:
        for reference, table in run.scenario.batches[0].tables.items():
            if reference.lower() in sources:
                found.setdefault(sources[reference.lower()], table.columns)
        for name, table in run.made[0].tables.items():
            found.setdefault(names[name], table.columns)
    return found


def _table(columns: Columns, rows: Sequence[Mapping[str, Any]]) -> Table | str:
    """The rows under the columns of their relation, or a column that it has not."""
    places = {name.lower(): at for at, (name, _) in enumerate(columns)}
    found: list[Row] = []
    for row in rows:
        values: list[Any] = [None] * len(columns)
        for name, value in row.items():
            if name.lower() not in places:
                return name
            values[places[name.lower()]] = value
        found.append(tuple(values))
    return Table(columns, tuple(found))
