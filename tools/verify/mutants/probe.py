"""Programs tried on parts of a data set: rows are chosen in the database, not loaded again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tools.sql.mutate.program import Program
from tools.verify.dataset import Dataset
from tools.verify.mutants.bags import Row, same_bag
from tools.verify.mutants.bench import Rig
from tools.verify.mutants.session import Failed
from tools.verify.mutants.store import quoted

Place = tuple[str, int]
"""A row: the name of its relation in the SQL, and its index."""

_KEPT = "specmill_all"


class Probe:
    """A data set of which parts can be looked at.

    Args:
        dataset: all rows.
        rig: opens the database.
        relations: the name in the SQL -> the reference in the data set.
    """

    def __init__(self, dataset: Dataset, rig: Rig, relations: Mapping[str, str]) -> None:
        self.dataset = dataset
        self.relations = dict(relations)
        self._session = rig.bench(dataset.name, (dataset,), relations).session()
        self._chosen: frozenset[Place] | None = None
        self._session.run(f"create schema {_KEPT}")
        for at, name in enumerate(self.relations):
            self._session.run(
                f"create table {_KEPT}.t{at} as "
                f"select row_number() over () - 1 as specmill_row, * from {quoted(name)}"
            )

    @property
    def places(self) -> list[Place]:
        """Every row."""
        found = []
        for name, reference in self.relations.items():
            table = self.dataset.table(reference)
            found += [(name, at) for at in range(len(table.rows) if table else 0)]
        return found

    def choose(self, places: Iterable[Place]) -> None:
        """Leaves only some rows in the relations."""
        chosen = frozenset(places)
        if chosen == self._chosen:
            return
        self._chosen = chosen
        for at, name in enumerate(self.relations):
            rows = sorted(i for n, i in chosen if n == name)
            condition = f"specmill_row in ({', '.join(map(str, rows))})" if rows else "false"
            self._session.run(
                f"create or replace table {quoted(name)} as select * exclude (specmill_row) "
                f"from {_KEPT}.t{at} where {condition} order by specmill_row"
            )

    def rows(self, program: Program) -> list[Row]:
        """What a program gives on the chosen rows.

        Raises:
            Failed: when it fails.
        """
        return self._session.run(program.sql)

    def types(self, program: Program) -> list[tuple[str, str]]:
        """The columns that a program gives, with their types.

        Raises:
            Failed: when it does not bind.
        """
        return self._session.names(program.sql)

    def differs(
        self, original: Program, mutant: Program, places: Sequence[Place], columns: Sequence[int]
    ) -> bool:
        """Whether two programs give other rows on some rows; no, when the original fails."""
        self.choose(places)
        try:
            expected = _some(self.rows(original), columns)
        except Failed:
            return False
        try:
            return not same_bag(expected, _some(self.rows(mutant), columns))
        except Failed as failure:
            return failure.kind == "runs"


def _some(rows: Sequence[Row], columns: Sequence[int]) -> list[Row]:
    return [tuple(row[i] for i in columns) for row in rows]
