"""How rows come into a table that stands, outside of dbt."""

from __future__ import annotations

import pytest

from tools.sql.mutate.program import Load, Step, Strategy
from tools.verify.mutants.clock import Clock
from tools.verify.mutants.store import Store
from tools.verify.proof.compile import Unit
from tools.verify.proof.engine import incoming

OLD, NEW = [(1, "old"), (2, "old")], [(1, "new"), (3, "new")]


def loaded(load: Load) -> list[tuple[int, str]]:
    """A table of two rows after two others have come in, one of them under a known key."""
    unit = Unit("m", "m", "", "", load)
    store = Store((), {})
    with Clock() as clock:
        session = store.session(clock, 10.0)
        session.run(f"create table m as select * from (values {str(OLD)[1:-1]}) as t(id, name)")
        values = f"(values {str(NEW)[1:-1]}) as t(id, name)"
        session.run(f"create temp table specmill_incoming as select * from {values}")
        for statement in incoming(unit, ['"id"', '"name"']):
            session.run(statement)
        found = sorted((int(r[0]), str(r[1])) for r in session.run("select * from m"))
    store.close()
    return found


BOTH = [(1, "new"), (2, "old"), (3, "new")]


@pytest.mark.parametrize(
    ("strategy", "skipped", "expected"),
    [
        ("append", (), sorted([*OLD, *NEW])),
        ("append", ("insert",), OLD),
        ("merge", (), BOTH),
        ("merge", ("insert",), [(1, "new"), (2, "old")]),
        ("merge", ("update",), [(1, "old"), (2, "old"), (3, "new")]),
        ("merge", ("update", "insert"), OLD),
        ("delete+insert", (), BOTH),
        ("delete+insert", ("insert",), [(2, "old")]),
        ("delete+insert", ("delete",), sorted([*OLD, *NEW])),
    ],
)
def test_rows_come_in_as_the_strategy_says_but_for_steps_that_are_left_out(
    strategy: Strategy, skipped: tuple[Step, ...], expected: list[tuple[int, str]]
) -> None:
    assert loaded(Load(strategy, ("id",), skipped=skipped)) == expected


def test_without_a_key_rows_are_added() -> None:
    assert loaded(Load("merge")) == sorted([*OLD, *NEW])
