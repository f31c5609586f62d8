"""Deletions by absence: believed one by one, never from an extract that is nearly empty."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from tools.sql.render import identifier
from tools.verify.batches import Row
from tools.verify.scd2_loads import Loads
from tools.verify.scd2_subject import Subject
from tools.verify.scratch import Scratch, kept, set_rows


@dataclass(frozen=True)
class _Step:
    """An extract made of the full one, and how many rows and current rows it adds."""

    what: str
    extract: Callable[[list[Row]], list[Row]]
    rows: int
    current: int


_STEPS = (
    _Step("one row is missing", lambda rows: rows[:-1], 0, -1),
    _Step("the extract is empty", lambda _: [], 0, 0),
    _Step("most rows are missing", lambda rows: rows[:1], 0, 0),
    _Step("the missing row is back", lambda rows: rows, 1, 1),
)


def check_deletes(loads: Loads, scratch: Scratch) -> None:
    """Takes rows out of full extracts and puts them back.

    Args:
        loads: the histories; those without deletions by absence are left alone.
        scratch: a database in which they are loaded up to the last batch.
    """
    absent = [s for s in loads.subjects if s.history.by_absence]
    for subject in (s for s in absent if not s.can_delete):
        ratio = subject.history.table.deletes.max_ratio
        loads.checked.not_run.append(
            f"{subject.name}: deletes by absence (with max_ratio {ratio:g} its "
            f"{len(subject.script.versions)} keys are too few to show them)"
        )
    subjects = [s for s in absent if s.can_delete]
    if not subjects:
        return
    loads.bench.progress(f"properties: {', '.join(s.name for s in subjects)} under deletes")
    full = {s.name: s.script.rows("last", loads.clock) for s in subjects}
    for step in _STEPS:
        loads.clock += dt.timedelta(hours=1)
        scratch.sql(
            *(scratch.keep(s.dim, "before") for s in subjects),
            *(set_rows(s.source, step.extract(full[s.name])) for s in subjects),
        )
        loads.run(scratch, subjects)
        for subject in subjects:
            _compare(loads, scratch, subject, step)
    loads.invariants(scratch, subjects, "after deletes")


def _compare(loads: Loads, scratch: Scratch, subject: Subject, step: _Step) -> None:
    current = identifier(subject.history.model.load.is_current)
    count = f"select count(*), count(*) filter (where {current}) from"
    was, now = scratch.sql(f"{count} {kept(subject.dim, 'before')}", f"{count} {subject.dim.sql}")
    rows, alive = (n - w for n, w in zip(now.rows[0], was.rows[0], strict=True))
    if (rows, alive) != (step.rows, step.current):
        what = (
            f"{subject.name}: when {step.what}, rows change by {rows:+d} and current rows by "
            f"{alive:+d}; expected {step.rows:+d} and {step.current:+d}"
        )
        loads.wrong("PRO006", what, subject)
