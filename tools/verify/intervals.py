"""What must hold of every history with half-open intervals, asked of the database."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from tools.findings import Finding, Location, Severity
from tools.spec.transform import Model
from tools.sql.render import identifier
from tools.verify.replies import Rows
from tools.verify.results import rows_table
from tools.verify.scratch import Table


@dataclass(frozen=True)
class Question:
    """A query whose every row breaks a rule, and the rule in words."""

    rule: str
    sql: str


def questions(model: Model, history: Table, log: Table | None) -> tuple[Question, ...]:
    """The invariants of a history.

    Args:
        model: the scd2 model.
        history: its table.
        log: its change log, where there is one: a gap is only right where it has a delete.
    """
    load = model.load
    keys = ", ".join(identifier(k) for k in load.key)
    start, end, current = (identifier(n) for n in (load.valid_from, load.valid_to, load.is_current))
    following = (
        f"select {keys}, {start}, {end}, lead({start}) over (partition by {keys} "
        f"order by {start}) as next_start from {history.sql}"
    )
    found = [
        Question(
            "has more than one current row for a key",
            f"select {keys}, count(*) as current_rows from {history.sql} where {current} "
            f"group by {keys} having count(*) > 1",
        ),
        Question(
            "calls a row current that has ended, or the other way round",
            f"select {keys}, {start}, {end}, {current} from {history.sql} "
            f"where {current} is distinct from ({end} is null)",
        ),
        Question(
            "has an interval that does not start, or ends before it starts",
            f"select {keys}, {start}, {end} from {history.sql} "
            f"where {start} is null or {end} <= {start}",
        ),
        Question(
            "has intervals of a key that overlap",
            f"select * from ({following}) where next_start is not null "
            f"and ({end} is null or {end} > next_start)",
        ),
    ]
    if log is not None:
        found += _with_log(model, history, log, following)
    return tuple(found)


def _with_log(model: Model, history: Table, log: Table, following: str) -> list[Question]:
    load = model.load
    end = identifier(load.valid_to)
    columns = {c.lower() for c, _ in log.columns}
    if not {"_effective_at", "_operation", *(k.lower() for k in load.key)} <= columns:
        return []
    same = " and ".join(
        f"logged.{identifier(k)} is not distinct from history.{identifier(k)}" for k in load.key
    )
    deletes = (
        f"select 1 from {log.sql} as logged where {same} "
        f"and logged._operation = 'D' and logged._effective_at = history.{end}"
    )
    return [
        Question(
            "has a gap between intervals that no delete explains",
            f"select * from ({following}) as history where next_start > {end} "
            f"and not exists ({deletes})",
        ),
        Question(
            "has a closed last interval that no delete explains",
            f"select * from ({following}) as history where next_start is null "
            f"and {end} is not null and not exists ({deletes})",
        ),
        Question(
            "has a key that its change log does not know",
            f"select history.* from {history.sql} as history where not exists "
            f"(select 1 from {log.sql} as logged where {same})",
        ),
    ]


def broken(
    model: Model,
    asked: Sequence[Question],
    answers: Sequence[Rows],
    *,
    where: Location | None,
    when: str,
    personal: Collection[str] = (),
) -> list[Finding]:
    """The rules that rows break.

    Args:
        model: the scd2 model.
        asked: the questions.
        answers: for each its rows.
        where: the model's place in the spec.
        when: after which loads.
        personal: columns whose values are not shown.
    """
    return [
        Finding(
            "PRO004", Severity.ERROR, f"{model.name} {question.rule} {when}", where,
            evidence=rows_table(answer.columns, answer.rows[:5], personal), subject=model.name,
        )
        for question, answer in zip(asked, answers, strict=True)
        if answer.rows
    ]  # fmt: skip
