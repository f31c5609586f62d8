"""Rows that are right by luck: windows whose ties another database may put in another order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.tools.verify.proof.compiled import case_of
from tools.spec.model import Spec
from tools.verify.dataset import Dataset, Table
from tools.verify.mutants.clock import Clock
from tools.verify.oracle.engine import Engine
from tools.verify.proof.agree import Case
from tools.verify.proof.fields import judged_on
from tools.verify.proof.scenarios import Scenario
from tools.verify.proof.ties import BY_CHANCE, most_tied

COLUMNS = (("id", "integer"), ("k", "varchar"), ("day", "date"))


def spec() -> Spec:
    typed = [{"name": n, "type": kind, "nullable": False} for n, kind in COLUMNS]
    windows = {
        "place": "row_number() over (partition by k order by day, id)",
        "before": "lag(id) over (partition by k order by day, id)",
    }
    computed = [{"name": n, "type": "bigint", "expr": sql} for n, sql in windows.items()]
    table = {"name": "t", "columns": typed, "primary_key": ["id"], "extract": "full"}
    model = {"name": "m", "from": "s.t", "grain": ["id"], "columns": [typed[0], *computed]}
    source = {"name": "s", "system": "test", "tables": [table]}
    return Spec.model_validate({"pipeline": "p", "sources": [source], "models": [model]})


@pytest.fixture(scope="module")
def case() -> Case:
    return case_of(spec())


def scenario(*rows: tuple[int, str, str], name: str = "rows") -> Scenario:
    return Scenario(name, (Dataset({"s.t": Table(COLUMNS, rows)}, name=name),))


TIED = scenario(*((n, "a", "2024-01-01") for n in range(4)))
APART = scenario(*((n, "a", f"2024-01-0{n + 1}") for n in range(4)))


def state(case: Case, rows: Scenario, clock: Clock) -> tuple[str, str]:
    with Engine() as engine:
        found = judged_on(case, rows, engine, clock, ["m"]).judged["m"]
    return found.state, found.reason


def without_tie_breaker(case: Case) -> Case:
    """The row number in its full order, the value before it in one that leaves ties to chance."""
    unit = case.compiled.unit("m")
    assert unit is not None
    head, lag, tail = unit.sql.partition("lag(")
    assert "day, id" in tail
    return case.with_code(replace(unit, sql=head + lag + tail.replace("day, id", "day", 1)))


def test_what_is_right_by_luck_is_refuted(case: Case, clock: Clock) -> None:
    assert state(case, TIED, clock) == ("same", "")
    assert state(without_tie_breaker(case), TIED, clock) == ("differs", BY_CHANCE)


def test_where_nothing_ties_there_is_nothing_to_refute(case: Case, clock: Clock) -> None:
    assert state(without_tie_breaker(case), APART, clock) == ("same", "")


def test_rows_that_come_again_are_looked_at_first() -> None:
    several = Scenario("loads", (*APART.batches, *TIED.batches))
    assert most_tied([*[APART] * 6, TIED, several])[0] is TIED
    assert several in most_tied([TIED, several])
