"""The bench of the proof measures what it says; its numbers are not tested."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bench import chance, growth, proving
from bench.proved import Proved, prove
from tests.tools.verify.proof.compiled import case_of
from tools.spec.load import load_spec
from tools.spec.resolve import resolve
from tools.sql.equivalent.facts import Column, Declared
from tools.sql.mutate.mutant import Mutant
from tools.sql.mutate.program import Program
from tools.verify.dataset import Dataset, Table
from tools.verify.mutants.verdict import MutationResult, Status, Verdict
from tools.verify.proof.chain import Chain
from tools.verify.proof.compile import Unit
from tools.verify.proof.faults import Field

SQL = "select id, n from raw.t where n > 3"
FACTS = {"raw.t": Declared((Column("id", "integer", False), Column("n", "integer")), (("id",),))}


def place() -> Field:
    unit = Unit("m", '"s"."m"', SQL)
    given = Dataset({"raw.t": Table((("id", "integer"), ("n", "integer")), ((1, 4),))})
    return Field(Chain((unit,), (), ("raw.t",), lambda _: None), [[given]], FACTS)


def fault(sql: str) -> Mutant:
    return Mutant("by hand", "test", Program(sql), Program(SQL))


def test_random_rows_tell_what_differs_and_nothing_else() -> None:
    wrong, right = fault(SQL.replace("3", "4")), fault(f"{SQL} and id is not null")
    assert chance.told(place(), [wrong, right], 10) == [wrong]


def test_what_a_fault_could_give_elsewhere_is_not_what_it_gives() -> None:
    lucky = replace(fault(f"{SQL} and id is not null"), unlucky=Program(SQL.replace("3", "4")))
    assert chance.told(place(), [lucky], 10) == []


@pytest.mark.parametrize("seed", range(5))
def test_random_rows_keep_what_is_declared(seed: int) -> None:
    like = Dataset({"raw.t": Table((("id", "integer"), ("n", "integer")))})
    ids = [row[0] for row in chance.dataset(like, FACTS, SQL, seed).tables["raw.t"].rows]
    assert None not in ids
    assert len(set(ids)) == len(ids)


def test_a_false_proof_is_counted() -> None:
    lie = Verdict(fault(SQL.replace(">", ">=")), "equivalent", "anything")
    proved = Proved("m", [(place(), MutationResult((lie,)))])
    rows: dict[str, Any] = {row[0]: row[1:] for row in proving.lies([proved], 10, "spec").rows}
    assert rows["shown to be harmless"] == ("1", "1", "1")
    assert rows["judged as code"] == ("1", "1", "1")
    honest = replace(lie, mutant=fault(f"{SQL} and id is not null"))
    proved.trials[0] = (place(), MutationResult((honest,)))
    assert proving.lies([proved], 10, "spec").rows[0][1:] == ("1", "1", "0")


@pytest.mark.slow
def test_a_model_of_the_bench_is_proved() -> None:
    loaded = resolve(load_spec(proving.FOLDER / "warehouse.yaml"), [])
    found = prove(case_of(loaded.spec), loaded, "stg_customer")
    assert found.count("killed") > 30
    assert found.count("undecided") == 0
    assert set(found.seconds) == {"rows", "oracle", "faults"}


def test_rates_are_of_faults_that_are_told_or_survive() -> None:
    statuses: tuple[Status, ...] = (
        "killed",
        "killed",
        "killed",
        "undecided",
        "equivalent",
        "not_tried",
    )
    verdicts = tuple(Verdict(fault(f"{SQL} and id > {n}"), s) for n, s in enumerate(statuses))
    (row, every) = proving.kills([Proved("m", [(place(), MutationResult(verdicts))])], "spec").rows
    assert row == ("m", "5", "3", "1", "1", "0", "75.0%")
    assert every[1:] == row[1:]


def test_the_table_that_grows_is_as_wide_and_long_as_it_says() -> None:
    table = growth.filled(4, 25)
    assert [len(row) for row in table.rows] == [4] * 25
    assert len({row[0] for row in table.rows}) == 25
    declared = growth.wide(4).sources[0].tables[0]
    assert table.names == tuple(c.name for c in declared.columns)


def test_a_table_of_the_bench_says_how_seconds_grow_with_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(growth, "ROWS", (5, 50))
    found = growth.rows().rows
    assert [row[0] for row in found] == ["5", "50"]
    assert int(found[0][1]) <= int(found[1][1])
    assert int(found[1][1]) > 5
