"""The forms of a program on a data set, of which parts can be looked at.

An incremental model has two: on an empty table, and on the table that an earlier load left. Each
is a query of its own, that unit tests and witnesses can be about.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from tools.sql.mutate.mutant import Mutant
from tools.sql.mutate.program import THIS, Program
from tools.verify.dataset import Dataset, Table
from tools.verify.mutants.bags import Row
from tools.verify.mutants.bench import Batches, Rig, reverse
from tools.verify.mutants.probe import Place, Probe
from tools.verify.mutants.session import Failed
from tools.verify.mutants.stability import stable_columns
from tools.verify.mutants.store import table_of


class Form:
    """One form of a program on one data set.

    Args:
        probe: the data set.
        index: of the form among the queries of the program.
        original: the form as a program of its own.
        columns: the indexes of the columns that do not depend on the order of the rows.
    """

    def __init__(self, probe: Probe, index: int, original: Program, columns: list[int]) -> None:
        self.probe, self.index, self.original, self.columns = probe, index, original, columns

    def program(self, mutant: Mutant) -> Program:
        """This form of a mutant."""
        return Program(mutant.program.queries[self.index])

    def tells(self, mutant: Mutant, places: Sequence[Place]) -> bool:
        """Whether some rows tell a mutant from the original."""
        program = self.program(mutant)
        if program == self.original:
            return False
        return self.probe.differs(self.original, program, places, self.columns)

    def given(self, places: Sequence[Place]) -> dict[str, Table]:
        """Some rows, by the name of their relation in the SQL; relations without rows as well."""
        found = {}
        for relation, reference in self.probe.relations.items():
            table = table_of(self.probe.dataset, reference)
            indexes = sorted(i for name, i in places if name == relation)
            found[relation] = table.with_rows(table.rows[i] for i in indexes)
        return found

    def expected(self, places: Sequence[Place]) -> Table:
        """What the original makes of some rows."""
        self.probe.choose(places)
        types = self.probe.types(self.original)
        return Table(tuple(types[i] for i in self.columns), tuple(self.rows(self.original)))

    def rows(self, program: Program) -> list[Row]:
        """What a program makes of the chosen rows, in the columns that are looked at.

        Raises:
            Failed: when it fails.
        """
        return [tuple(row[i] for i in self.columns) for row in self.probe.rows(program)]


def forms_of(
    program: Program, batches: Batches, rig: Rig, ignore: Collection[str] = ()
) -> list[Form]:
    """The forms of a program that run on a data set.

    Args:
        program: the original.
        batches: the rows at each load.
        rig: opens databases.
        ignore: names of output columns that are not looked at.
    """
    relations = rig.setting.relations
    found = [_form(Program(program.sql), 0, batches[0], rig, relations)]
    state = _first_load(program, batches, rig) if program.incremental else None
    if state is not None:
        last = batches[-1]
        later = Dataset({**last.tables, THIS: state}, name=f"{last.name}, later load")
        query = Program(program.incremental)
        found.append(_form(query, 1, later, rig, {**relations, THIS: THIS}))
    forms = [f for f in found if f is not None]
    for form in forms if ignore else ():
        names = [name for name, _ in form.probe.types(form.original)]
        form.columns = [i for i in form.columns if names[i] not in ignore]
    return [f for f in forms if f.columns]


def _form(
    original: Program, form: int, dataset: Dataset, rig: Rig, relations: Mapping[str, str]
) -> Form | None:
    probe = Probe(dataset, rig, relations)
    twin = rig.bench("rows reversed", reverse((dataset,)), relations)
    try:
        columns = stable_columns([probe.rows(original)], twin.rows(original))
    except Failed:
        return None
    return Form(probe, form, original, columns) if columns else None


def _first_load(program: Program, batches: Batches, rig: Rig) -> Table | None:
    """The table that stands before the last load."""
    bench = rig.bench("first load", batches[:-1] or batches)
    try:
        bench.expect(program)
        rows = bench.rows(program)[-1]
    except Failed:
        return None
    return Table(tuple(bench.columns), tuple(rows))
