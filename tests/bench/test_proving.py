"""The bench of the proof measures what it says; its numbers are not tested."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bench import chance, proving
from tests.tools.verify.proof.compiled import case_of
from tools.spec.load import load_spec
from tools.spec.resolve import resolve
from tools.sql.equivalent.facts import Column, Declared
from tools.sql.mutate.mutant import Mutant
from tools.sql.mutate.program import Program
from tools.verify.dataset import Dataset, Table
from tools.verify.mutants.verdict import MutationResult, Verdict
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


@pytest.mark.parametrize("seed", range(5))
def test_random_rows_keep_what_is_declared(seed: int) -> None:
    like = Dataset({"raw.t": Table((("id", "integer"), ("n", "integer")))})
    ids = [row[0] for row in chance.dataset(like, FACTS, SQL, seed).tables["raw.t"].rows]
    assert None not in ids
    assert len(set(ids)) == len(ids)


def test_a_false_proof_is_counted() -> None:
    lie = Verdict(fault(SQL.replace(">", ">=")), "equivalent", "anything")
    proved = proving.Proved("m", [(place(), MutationResult((lie,)))])
    rows: dict[str, Any] = {row[0]: row[1:] for row in proving.lies([proved], 10).rows}
    assert rows["shown to be harmless"] == ("1", "1", "1")
    assert rows["judged as code"] == ("1", "1", "1")
    honest = replace(lie, mutant=fault(f"{SQL} and id is not null"))
    proved.trials[0] = (place(), MutationResult((honest,)))
    assert proving.lies([proved], 10).rows[0][1:] == ("1", "1", "0")


@pytest.mark.slow
def test_a_model_of_the_bench_is_proved() -> None:
    loaded = resolve(load_spec(proving.FOLDER / "warehouse.yaml"), [])
    found = proving.prove(case_of(loaded.spec), loaded, "stg_customer")
    assert found.count("killed") > 30
    assert found.count("undecided") == 0
    assert set(found.seconds) == {"rows", "oracle", "faults"}
