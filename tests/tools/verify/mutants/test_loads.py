import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from tests.cases import each
from tools.sql.mutate.enumerate import mutants
from tools.sql.mutate.program import Load, Program, program
from tools.verify.dataset import Dataset, Table
from tools.verify.mutants.clock import Clock
from tools.verify.mutants.execute import rows_of
from tools.verify.mutants.run import run_mutants
from tools.verify.mutants.store import Store

CASES = Path(__file__).parent / "cases"
COLUMNS = (("event_id", "bigint"), ("kind", "varchar"), ("seen_at", "timestamp"))


def model(case: dict[str, Any]) -> Program:
    given = {k: tuple(v) if isinstance(v, list) else v for k, v in case["load"].items()}
    return program(case["full"], case["incremental"], this="dev.marts.seen", load=Load(**given))


def loads(case: dict[str, Any]) -> tuple[Dataset, Dataset]:
    def table(rows: list[list[Any]]) -> Dataset:
        values = tuple((a, b, dt.datetime.fromisoformat(str(c))) for a, b, c in rows)
        return Dataset({"raw.events": Table(COLUMNS, values)}, name="two loads")

    return table(case["first"]), table(case["later"])


@each(CASES / "loads.yaml")
def test_an_incremental_model_is_run_as_dbt_runs_it(case: dict[str, Any]) -> None:
    store = Store(loads(case), {"raw.events": "raw.events"})
    with Clock() as clock:
        found = rows_of(store.session(clock, 5), model(case), COLUMNS, 2)
    store.close()
    assert sorted([a, b] for a, b, _ in found[1]) == case["rows"]
    expected = [r[:2] for r in case["first"] if r[1] != "gone"]
    assert sorted([a, b] for a, b, _ in found[0]) == expected


@each(CASES / "loads.yaml")
def test_faults_of_a_load_are_killed_by_two_loads(case: dict[str, Any]) -> None:
    original = model(case)
    planted = mutants(original)
    found = run_mutants(original, planted, [loads(case)])
    assert not found.problem
    killed = {v.mutant.operator for v in found.of("killed")}
    assert set(case["killed"]) <= killed
    faults = [
        v for v in found.verdicts if v.mutant.operator in ("merge_key", "load_step", "load_setting")
    ]
    assert all(v.status == "killed" for v in faults), [str(v.mutant) for v in faults]
    assert all(v.mutant.diff for v in found.verdicts)


def test_the_original_is_never_killed_by_itself() -> None:
    from tests.cases import load
    from tools.sql.mutate.mutant import Mutant

    for case in load(CASES / "loads.yaml"):
        original = model(case)
        itself = Mutant("none", "nothing", original, original)
        found = run_mutants(original, [itself], [loads(case)])
        assert found.verdicts[0].status == "undecided"


def test_a_fault_that_both_forms_share_is_planted_in_both() -> None:
    full = "with s as (select a, b from raw.t where a > 1) select a, b from s"
    later = f"{full} where b > (select max(b) from this)"
    found = mutants(Program(full, later), operators=["predicate_boundary", "watermark"])
    forms = [
        (
            m.operator,
            m.program.sql != m.original.sql,
            m.program.incremental != m.original.incremental,
        )
        for m in found
    ]
    assert forms == [("predicate_boundary", True, True), ("watermark", False, True)]
    assert "a >= 1" in found[0].diff


def test_the_table_keeps_its_place_in_the_text() -> None:
    made = program(
        "select 1 as a",
        'select a\nfrom raw.t\nwhere a > (select max(a)\n  from "dev"."marts"."x")',
        this='"dev"."marts"."x"',
    )
    assert made.incremental.splitlines()[3] == "  from this)"
    assert mutants(made, operators=["watermark"])[0].line == 3


@pytest.mark.parametrize(
    ("load", "expected"),
    [
        (Load(), []),
        (Load("merge", ("a",)), ["merge_key", "load_step", "load_step"]),
        (Load("delete+insert", ("a", "b")), ["merge_key", "merge_key", "merge_key", "load_step"]),
        (Load("append", (), ("p",), ("delete from this",)), ["load_setting", "load_setting"]),
    ],
)
def test_faults_of_a_load(load: Load, expected: list[str]) -> None:
    original = Program("select 1 as a, 2 as b", "select 1 as a, 2 as b", load)
    names = ["merge_key", "load_step", "load_setting"]
    found = mutants(original, operators=names)
    assert sorted(m.operator for m in found) == sorted(expected)
    assert all("-" in m.diff or "+" in m.diff for m in found)
