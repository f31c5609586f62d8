"""The judge of the bench passes the code and refutes what is wrong; random loads tell the rest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from bench import arrivals
from bench.lies import Judge, counted, random_rows
from tests.tools.verify.proof.compiled import case_of
from tools.spec.model import Spec
from tools.sql.mutate.mutant import Mutant
from tools.sql.mutate.program import Program
from tools.verify.mutants.clock import Clock
from tools.verify.mutants.verdict import Verdict
from tools.verify.oracle.engine import Engine
from tools.verify.proof.agree import Case
from tools.verify.proof.faults import Field
from tools.verify.proof.fields import fields_of, judged_series
from tools.verify.proof.tier import rows_for

TYPES = {"id": "integer", "name": "varchar", "at": "timestamp"}
LOADS: dict[str, dict[str, Any]] = {
    "full": {"strategy": "full"},
    "incremental": {"strategy": "incremental", "key": ["id"], "cursor": "at", "lookback": "1d"},
    "append": {"strategy": "append", "cursor": "at"},
    "scd1": {"strategy": "scd1", "key": ["id"], "cursor": "at"},
    "scd2": {"strategy": "scd2", "key": ["id"], "effective_at": "at", "track": ["name"]},
}
KEEP = tuple(name for name in LOADS if name != "full")


def case(strategy: str) -> Case:
    columns = [{"name": n, "type": t, "nullable": n == "name"} for n, t in TYPES.items()]
    table = {"name": "t", "columns": columns, "primary_key": ["id"], "cursor": "at"}
    source = {"name": "s", "system": "test", "tables": [table]}
    shown = [columns[0], {**columns[1], "expr": "coalesce(lower({name}), 'none')"}, columns[2]]
    model = {
        "name": "m", "from": "s.t", "grain": ["id"], "columns": shown, "load": LOADS[strategy],
    }  # fmt: skip
    return case_of(Spec.model_validate({"pipeline": "p", "sources": [source], "models": [model]}))


@pytest.fixture(scope="module")
def clock() -> Iterator[Clock]:
    with Clock() as running:
        yield running


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as running:
        yield running


def judge(strategy: str, engine: Engine, clock: Clock) -> tuple[Judge, list[Field]]:
    given = case(strategy)
    runs = judged_series(given, rows_for(given.spec, "ab" * 32, {}, "m"), engine, clock, ["m"])
    return Judge(given, "m", runs), fields_of(given, runs, only=["m"])["m"]


def swapped(place: Field, old: str, new: str) -> Mutant:
    program = place.chain.program
    texts = [q.replace(old, new) for q in (program.sql, program.incremental)]
    assert texts[0] != program.sql or texts[1] != program.incremental
    changed = replace(program, sql=texts[0], incremental=texts[1])
    return Mutant("by hand", f"{old} becomes {new}", changed, program)


@pytest.mark.parametrize("strategy", LOADS)
def test_the_code_itself_passes(strategy: str, engine: Engine, clock: Clock) -> None:
    given, places = judge(strategy, engine, clock)
    assert len(places) == (2 if strategy == "scd2" else 1)
    for place in places:
        assert given.passes(place.chain.units[0], place.chain.program, engine, clock)


def test_a_wrong_fault_is_refuted_and_code_in_other_words_is_not(
    engine: Engine, clock: Clock
) -> None:
    given, (place,) = judge("full", engine, clock)
    unit = place.chain.units[0]
    wrong = Verdict(swapped(place, "lower", "upper"), "killed")
    right = Verdict(swapped(place, "'none'", "'no' || 'ne'"), "undecided")
    assert given.refutes(unit, wrong, engine, clock)
    assert not given.refutes(unit, right, engine, clock)
    broken = Program(wrong.mutant.program.sql)
    assert not given.passes(unit, broken, engine, clock)


def test_a_load_that_leaves_a_step_out_is_refuted(engine: Engine, clock: Clock) -> None:
    given, (place,) = judge("incremental", engine, clock)
    program = place.chain.program
    silent = replace(program, load=replace(program.load, skipped=("insert",)))
    fault = Verdict(Mutant("by hand", "no insert", silent, program), "killed")
    assert given.refutes(place.chain.units[0], fault, engine, clock)


@pytest.mark.parametrize("strategy", KEEP)
def test_random_loads_are_determined_and_tell_a_fault(
    strategy: str, engine: Engine, clock: Clock
) -> None:
    given, _ = judge(strategy, engine, clock)
    found = arrivals.arrivals(given.case, "m", given.runs, 12, engine=engine, clock=clock)
    assert found.used + sum(found.left_out.values()) == 12
    assert found.used > 6
    place = found.fields[-1 if strategy != "scd2" else 0]
    below = place.chain.others[0]
    fewer = Mutant("by hand", "only one key", _only_ones(place, below), place.chain.program)
    same = Mutant("by hand", "nothing", place.chain.program, place.chain.program)
    assert arrivals.told(place, [fewer, same], clock) == [fewer]


def _only_ones(place: Field, below: str) -> Program:
    schema, name = below.split(".")
    relation = f'"{schema}"."{name}"'
    ones = f"(select * from {relation} where id = 1)"
    program = place.chain.program
    assert relation in program.sql
    return replace(
        program,
        sql=program.sql.replace(relation, ones),
        incremental=program.incremental.replace(relation, ones),
    )


def test_series_on_which_the_code_is_wrong_are_left_out(engine: Engine, clock: Clock) -> None:
    given, _ = judge("incremental", engine, clock)
    unit = given.case.compiled.unit("m")
    assert unit is not None
    wrong = replace(unit, sql=unit.sql.replace("lower", "upper"))
    found = arrivals.arrivals(
        given.case.with_code(wrong), "m", given.runs, 10, engine=engine, clock=clock
    )
    assert found.left_out["differs"] >= 5
    assert found.used + found.left_out["differs"] == 10


def test_a_false_proof_of_a_model_that_keeps_rows_is_counted(engine: Engine, clock: Clock) -> None:
    given, (place,) = judge("incremental", engine, clock)
    blind = replace(given, runs=given.runs[:1])  # one load: nothing is known of later ones
    later = place.chain.program.incremental.replace("lower", "upper")
    assert later != place.chain.program.incremental
    changed = replace(place.chain.program, incremental=later)
    lie = Verdict(Mutant("by hand", "later", changed, place.chain.program), "equivalent")
    rows = random_rows(blind, [place], 8)
    assert rows.arrivals is not None
    found = counted(blind, place, 0, [lie], rows)
    assert (found.tried, found.passed, found.told, found.lies) == (
        1, 1, (lie.mutant,), (lie.mutant,),
    )  # fmt: skip
    assert counted(given, place, 0, [lie], rows).passed == 0


def test_what_is_counted_as_killed_and_passes_as_code_is_named(
    engine: Engine, clock: Clock
) -> None:
    given, (place,) = judge("full", engine, clock)
    lucky = Verdict(swapped(place, "'none'", "'no' || 'ne'"), "killed")
    wrong = Verdict(swapped(place, "lower", "upper"), "killed")
    found = counted(given, place, 0, [lucky, wrong], random_rows(given, [place], 3))
    assert (found.lucky, found.told) == ((lucky.mutant,), ())
