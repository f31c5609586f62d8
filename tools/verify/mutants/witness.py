"""The fewest rows that show how a mutant, or any other program, differs from the original."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from tools.sql.mutate.mutant import Mutant
from tools.sql.mutate.program import Program
from tools.verify.dataset import Table
from tools.verify.mutants.bags import difference
from tools.verify.mutants.bench import Rig, Setting
from tools.verify.mutants.forms import Form, forms_of
from tools.verify.mutants.reduce import smallest
from tools.verify.mutants.run import Given, batches_of, match_relations
from tools.verify.mutants.session import Failed
from tools.verify.mutants.store import Prepare, nothing


@dataclass(frozen=True)
class Witness:
    """Rows that tell a mutant from the original.

    Args:
        given: the input rows, by the name of their relation in the SQL, those without rows left
            out; of a later load also ``this``, the table as it stood.
        missing: rows that the original gives and the mutant does not.
        extra: rows that the mutant gives and the original does not.
        error: what the mutant fails with, instead of rows.
    """

    given: Mapping[str, Table]
    missing: Table
    extra: Table
    error: str = ""


def witness(
    mutant: Mutant,
    given: Given,
    *,
    relations: Mapping[str, str] | None = None,
    prepare: Prepare = nothing,
    query_seconds: float = 2.0,
) -> Witness | None:
    """The fewest rows of a data set that tell a mutant from its original.

    Args:
        mutant: with its original.
        given: the data set, or the loads, that killed it.
        relations: as for :func:`tools.verify.mutants.run.run_mutants`.
        prepare: likewise.
        query_seconds: likewise.

    Returns:
        None when the rows of one load do not tell them apart: only the way in which rows are
        loaded differs, or only the types.

    Raises:
        UsageError: a relation that is in no data set.
    """
    program: Program = mutant.original
    with ExitStack() as stack:
        known = relations or match_relations(program, [given])
        rig = Rig(Setting(known, prepare, query_seconds), stack)
        for form in forms_of(program, batches_of(given), rig):
            if form.tells(mutant, form.probe.places):
                return _witness(form, mutant)
    return None


def _witness(form: Form, mutant: Mutant) -> Witness:
    places = smallest(form.probe.places, partial(form.tells, mutant))
    expected = form.expected(places)
    given = {name: table for name, table in form.given(places).items() if table.rows}
    try:
        found = form.rows(form.program(mutant))
    except Failed as failure:
        return Witness(given, expected, expected.with_rows(()), failure.message)
    missing, extra = difference(expected.rows, found)
    return Witness(given, expected.with_rows(missing), expected.with_rows(extra))
