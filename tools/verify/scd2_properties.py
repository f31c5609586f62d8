"""Histories under loads that are repeated, late, shuffled, and with deletions.

Source rows of a built history are changed on purpose, batch by batch, in scratch databases. What
comes out may not depend on the order in which changes with event times arrive, a repeated load may
change nothing, and one change adds one version and closes one.
"""

from __future__ import annotations

from collections.abc import Sequence

from tools.findings import Finding, Severity
from tools.sql.render import identifier
from tools.verify.batches import BATCHES, orders
from tools.verify.bench import Bench, Checked
from tools.verify.history import History, history_of
from tools.verify.lineage import rounds
from tools.verify.scd2_deletes import check_deletes
from tools.verify.scd2_loads import Loads
from tools.verify.scd2_subject import Subject, subject_of
from tools.verify.scratch import LoadFailed, Scratch, kept


def check_histories(bench: Bench) -> Checked:
    """Every scd2 model of the spec, those that do not disturb each other in the same loads."""
    checked = Checked()
    histories: dict[str, History] = {}
    for model in bench.loaded.spec.models:
        if model.load.strategy != "scd2":
            continue
        found = history_of(bench.loaded, model, bench.others)
        if isinstance(found, str):
            checked.not_run.append(f"history of {model.name} under changes: {found}")
            continue
        histories[model.name] = found
    named = [(n, h.source.lower(), h.reads) for n, h in histories.items()]
    for number, names in enumerate(rounds(named)):
        subjects = [s for n in names if (s := subject_of(bench, histories[n], checked)) is not None]
        if subjects:
            _check(Loads(bench, subjects, checked, number))
    return checked


def _check(loads: Loads) -> None:
    """In order first; the other orders are compared with what that gave."""
    bench, names = loads.bench, loads.names
    bench.progress(f"properties: {names} under changes, in order")
    try:
        ordered = _ordered(loads)
        free = [s for s in loads.subjects if s.history.ordered_by_event]
        for name, order in orders(bench.level, bench.loaded.digest).items() if free else ():
            bench.progress(f"properties: {names} under changes, {name}")
            _shuffled(loads, name, order, ordered, free)
    except LoadFailed as failed:
        first = loads.subjects[0].name
        loads.checked.findings.append(Finding(
            "PRO008", Severity.ERROR,
            f"a load of {names} with changed rows fails: {failed.message}",
            bench.place(first), subject=first,
        ))  # fmt: skip


def _ordered(loads: Loads) -> Scratch:
    """Changes as they happened; then the same load again, and an earlier one again."""
    subjects = loads.subjects
    scratch = loads.scratch("ordered")
    timed = any(s.history.ordered_by_event for s in subjects)
    for batch in BATCHES if timed else tuple(b for b in BATCHES if b != "late"):
        if batch == "next":
            scratch.sql(*(scratch.keep(s.dim, "before") for s in subjects))
        loads.load(scratch, batch, subjects)
        if batch == "next":
            for subject in subjects:
                _growth(loads, scratch, subject)
    scratch.sql(*(scratch.keep(t, "ordered") for s in subjects for t in s.tables))
    loads.again(scratch)
    _unchanged(loads, scratch, subjects, "PRO001", "the same load again changes {}")
    replayed = [s for s in subjects if s.history.effective is not None]
    if replayed:
        loads.load(scratch, "next", replayed)
        what = "an earlier batch, loaded again, changes {}"
        _unchanged(loads, scratch, replayed, "PRO003", what)
    loads.invariants(scratch, subjects, "after loads in order")
    check_deletes(loads, scratch)
    return scratch


def _shuffled(
    loads: Loads, name: str, order: Sequence[str], ordered: Scratch, subjects: Sequence[Subject]
) -> None:
    """The batches in another order, in a database of their own: the same history."""
    scratch = loads.scratch(f"shuffled {name}")
    for batch in order:
        loads.load(scratch, batch, subjects)
    for subject in subjects:
        found = scratch.difference_from(ordered.database, subject.dim, kept(subject.dim, "ordered"))
        if found:
            what = f"{subject.name} is another history when batches arrive {name}"
            loads.differs("PRO002", what, subject, found)
    loads.invariants(scratch, subjects, f"when batches arrive {name}")


def _unchanged(
    loads: Loads, scratch: Scratch, subjects: Sequence[Subject], code: str, what: str
) -> None:
    for subject in subjects:
        for table in subject.tables:
            found = scratch.difference(table, "ordered")
            if found:
                loads.differs(code, what.format(table.name), subject, found)


def _growth(loads: Loads, scratch: Scratch, subject: Subject) -> None:
    """A change adds a version and closes one, a delete closes one; what is no change adds none."""
    script = subject.script
    if not any(added for added, _, _ in script.growth.values()):
        why = "no tracked column follows from one source column"
        loads.checked.not_run.append(f"{subject.name}: one change adds one version ({why})")
    before, now = kept(subject.dim, "before"), subject.dim.sql
    end = identifier(subject.history.model.load.valid_to)
    count = f"select count(*), count({end}) from"
    asked = [
        f"{count} {table} where {subject.where([number])}"
        for number in script.growth
        for table in (before, now)
    ]
    columns = ", ".join(subject.dim.compared())
    quiet = subject.where(script.quiet)
    lost = f"select {columns} from {before} where {quiet} except all select {columns} from {now}"
    *counts, moved = scratch.sql(*asked, f"select count(*) from ({lost})")
    hint = "a change adds one version and closes one, a delete closes one; no other key is touched"
    for (added, ended, why), was, became in zip(
        script.growth.values(), counts[::2], counts[1::2], strict=True
    ):
        (rows, closed), (more, more_closed) = was.rows[0], became.rows[0]
        if (more, more_closed) != (rows + added, closed + ended):
            what = (
                f"{subject.name}: {why} turns {rows} versions, {closed} of them closed, into "
                f"{more}, {more_closed} of them closed"
            )
            loads.wrong("PRO005", what, subject, hint)
    if moved.rows[0][0]:
        what = f"{subject.name}: a load changes {moved.rows[0][0]} rows of keys that did not change"
        loads.wrong("PRO005", what, subject, hint)
