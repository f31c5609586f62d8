"""dbt unit tests: a few given rows, and the rows that a model has to make of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tools.sql.mutate.program import Program
from tools.verify.dataset import Dataset, Table
from tools.verify.mutants.bags import Row, same_bag
from tools.verify.mutants.bench import Rig
from tools.verify.mutants.session import Failed


@dataclass(frozen=True)
class UnitTest:
    """A unit test.

    Args:
        name: of the test.
        given: the rows of each relation, by its name in the SQL; of an incremental form, also of
            ``this``.
        expected: the rows that have to come out; only its columns are compared.
        incremental: whether it is about the form for a table that stands.
    """

    name: str
    given: Mapping[str, Table]
    expected: Table
    incremental: bool = False


class UnitBench:
    """A unit test with its rows loaded.

    Args:
        program: the original.
        test: the unit test.
        rig: opens the database.
    """

    def __init__(self, program: Program, test: UnitTest, rig: Rig) -> None:
        self.name = test.name
        self._test = test
        rows = Dataset(test.given, name=test.name)
        self._bench = rig.bench(test.name, (rows,), {name: name for name in test.given})
        self._columns: list[int] = []
        self._expected: list[Row] = []
        self.usable = self._prepare(program)

    def _prepare(self, program: Program) -> bool:
        """Whether the original passes, so that the test says something."""
        query = self._query(program)
        try:
            self._bench.expect(Program(query))
        except Failed:
            return False
        names = [name.lower() for name, _ in self._bench.columns]
        wanted = [name.lower() for name in self._test.expected.names]
        if any(name not in names for name in wanted):
            return False
        self._columns = [names.index(name) for name in wanted]
        self._expected = self._typed()
        return not self.catches(program)

    def _typed(self) -> list[Row]:
        """The expected rows with the types of the model's columns, as dbt casts them."""
        found: list[Row] = []
        kinds = [self._bench.columns[i][1] for i in self._columns]
        for row in self._test.expected.rows:
            casts = ", ".join(f"cast(? as {kind})" for kind in kinds)
            found += self._bench.session().run(f"select {casts}", list(row))
        return found

    def _query(self, program: Program) -> str:
        return program.incremental if self._test.incremental else program.sql

    def catches(self, program: Program) -> bool:
        """Whether a program gives other rows than expected, or fails."""
        try:
            rows = self._bench.session().run(self._query(program))
        except Failed:
            return True
        found = [tuple(row[i] for i in self._columns) for row in rows]
        return not same_bag(self._expected, found)
