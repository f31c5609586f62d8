"""The tests of a project held against faults in its models, and the tests that are proposed."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.tools.verify.proof.compiled import case_of
from tools.spec.model import Spec
from tools.sql.mutate.mutant import Mutant
from tools.sql.mutate.program import Program
from tools.verify.dataset import Dataset, Table
from tools.verify.mutants.clock import Clock
from tools.verify.mutants.verdict import Verdict
from tools.verify.oracle.engine import Engine
from tools.verify.proof.agree import Case
from tools.verify.proof.declared import ShippedTest, ShippedUnitTest
from tools.verify.proof.faults import Field
from tools.verify.proof.fields import Rows, Run, fields_of, judged_series, usable_runs
from tools.verify.proof.proposals import proposed
from tools.verify.proof.shipped import Noticed, changing_rows, noticed
from tools.verify.proof.standing import BUILD, Standing

KINDS = (("id", "integer"), ("name", "varchar"))


def spec(load: Mapping[str, object] | None = None) -> Spec:
    columns: list[dict[str, Any]] = [
        {"name": "id", "type": "integer", "nullable": False},
        {"name": "name", "type": "varchar"},
    ]
    source = {
        "name": "s", "system": "test",
        "tables": [{"name": "t", "columns": columns, "primary_key": ["id"]}],
    }  # fmt: skip
    shown = [columns[0], {"name": "name", "type": "varchar", "expr": "coalesce({name}, '-')"}]
    first: dict[str, Any] = {"name": "m", "from": "s.t", "grain": ["id"], "columns": shown}
    top: dict[str, Any] = {
        "name": "top", "from": "m", "grain": ["id"], "columns": columns, "where": "id > 1",
    }  # fmt: skip
    models = [{**first, "load": load}] if load else [first, top]
    return Spec.model_validate({"pipeline": "p", "sources": [source], "models": models})


def rows(*values: tuple[int, str | None], name: str = "d") -> Dataset:
    return Dataset({"s.t": Table(KINDS, values)}, name=name)


def seen(case: Case, clock: Clock, given: Rows, model: str = "m") -> tuple[list[Field], list[Run]]:
    with Engine() as engine:
        runs = judged_series(case, given, engine, clock)
    found = case.spec.model_named(model)
    assert found is not None
    return fields_of(case, runs, only=[model])[model], usable_runs(found, model, runs)


def fault(place: Field, old: str, new: str, by: str = "d") -> Verdict:
    program = place.chain.program
    assert old in program.sql
    changed = replace(
        program,
        sql=program.sql.replace(old, new),
        incremental=program.incremental.replace(old, new),
    )
    return Verdict(Mutant("by hand", f"{old} is {new}", changed, program), "killed", by, "rows")


def shipping(case: Case, *tests: tuple[str, str, str], units: Sequence[Any] = ()) -> Case:
    """A case with data tests (name, SQL over {model}, the models it reads) and unit tests."""
    relations = {u.name: u.relation for u in case.compiled.units}
    made = tuple(
        ShippedTest(name, sql.format(**relations), reads.split()[0], tuple(reads.split()))
        for name, sql, reads in tests
    )
    return replace(case, compiled=replace(case.compiled, tests=made, unit_tests=tuple(units)))


def answered(case: Case, place: Field, runs: list[Run], clock: Clock, *faults: Verdict) -> Noticed:
    deadline = time.monotonic() + 60
    return noticed(case, place.chain, faults, runs, deadline=deadline, clock=clock)


NO_NULL = ("no_null", "select 1 from {m} where name is null", "m")


def test_a_data_test_notices_what_it_is_about_and_nothing_else(clock: Clock) -> None:
    case = shipping(case_of(spec()), NO_NULL)
    (place,), runs = seen(case, clock, Rows((rows((1, None), (2, "b")),)))
    nulls = fault(place, "coalesce(name, '-')", "name")
    other = fault(place, "'-'", "'+'")
    found = answered(case, place, runs, clock, nulls, other)
    assert [(v.mutant.description, by) for v, by in found.caught] == [
        ("coalesce(name, '-') is name", "no_null")
    ]
    assert found.missed == (other,)
    assert found.by_test() == {"no_null": 1}


def test_a_test_of_a_model_further_on_notices_too(clock: Clock) -> None:
    case = shipping(case_of(spec()), ("top_has_b", "select 1 from {top} where name <> 'b'", "top"))
    (place,), runs = seen(case, clock, Rows((rows((1, "a"), (2, "b")),)))
    found = answered(case, place, runs, clock, fault(place, "coalesce(name, '-')", "'x'"))
    assert found.by_test() == {"top_has_b": 1}


def test_a_test_that_fails_on_the_code_itself_says_nothing(clock: Clock) -> None:
    case = shipping(case_of(spec()), ("no_a", "select 1 from {m} where name = 'a'", "m"))
    (place,), runs = seen(case, clock, Rows((rows((1, "a")),)))
    found = answered(case, place, runs, clock, fault(place, "'-'", "'+'"))
    assert not found.caught
    assert list(found.blind) == ["no_a"]


def test_every_data_set_counts_and_not_only_the_one_that_tells_the_fault(clock: Clock) -> None:
    case = shipping(case_of(spec()), NO_NULL)
    both = Rows((rows((1, "a"), name="d"), rows((1, None), name="e")))
    (place,), runs = seen(case, clock, both)
    found = answered(case, place, runs, clock, fault(place, "coalesce(name, '-')", "name"))
    assert found.by_test() == {"no_null": 1}


def test_all_faults_are_held_against_tests_before_any_is_on_further_rows(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = shipping(
        case_of(spec()), ("rare", "select 1 from {m} where name = 'x-' and id > 8", "m")
    )
    given = Rows(tuple(rows((n, None), name=f"d{n}") for n in range(1, 10)))
    (place,), runs = seen(case, clock, given)
    faults = [fault(place, "'-'", f"'{text}-'", "d1") for text in ("x", "y", "z")]
    asked: list[tuple[str, str]] = []
    whole = Standing.noticed

    def noted(self: Standing, program: Program) -> str:
        asked.append((self.name, program.sql))
        return whole(self, program)

    monkeypatch.setattr(Standing, "noticed", noted)
    found = answered(case, place, runs, clock, *faults)
    assert [f.mutant.description for f, _ in found.caught] == [faults[0].mutant.description]
    assert len(found.missed) == 2
    planted = [f.mutant.program.sql for f in faults]
    assert {sql for _, sql in asked[:6]} == set(planted)
    first = [next(name for name, asked_of in asked if asked_of == sql) for sql in planted]
    assert first == ["d1"] * 3  # the rows that the proof told them by


def test_a_fault_that_does_not_build_is_noticed_by_the_build(clock: Clock) -> None:
    case = shipping(case_of(spec()), NO_NULL)
    (place,), runs = seen(case, clock, Rows((rows((1, "a")),)))
    broken = fault(place, "coalesce(name, '-')", "cast(name as integer)")
    assert answered(case, place, runs, clock, broken).by_test() == {BUILD: 1}


def unit(name: str, expected: str, **more: Any) -> ShippedUnitTest:
    return ShippedUnitTest(
        name, "m", {"": ({"id": 7, "NAME": None},)}, ({"name": expected},), **more
    )


def test_a_unit_test_brings_its_own_rows(clock: Clock) -> None:
    tests = [
        unit("fills", "-"),
        unit("wrong", "+"),
        unit("later", "-", incremental=True),
        unit("other", "-", problem="it overrides now"),
    ]
    case = case_of(spec())
    named = [replace(t, given={_below(case): t.given[""]}) for t in tests]
    case = shipping(case, units=named)
    (place,), runs = seen(case, clock, Rows((rows((1, "a")),)))
    found = answered(case, place, runs, clock, fault(place, "'-'", "'+'"))
    assert found.by_test() == {"fills": 1}
    assert found.blind == {
        "wrong": "it does not pass on the code",
        "later": "it is about an incremental form that the model has not",
        "other": "it overrides now",
    }


MERGED = {"strategy": "scd1", "key": ["id"]}
TWICE = (rows((1, "a"), name="first"), rows((1, "b"), (2, "c"), name="second"))


def test_the_tests_of_a_model_that_keeps_rows_run_after_every_load(clock: Clock) -> None:
    case = shipping(
        case_of(spec(MERGED)),
        ("one_an_id", "select id from {m} group by id having count(*) > 1", "m"),
    )
    places, runs = seen(case, clock, Rows((), (TWICE,)))
    place = places[-1]
    program = place.chain.program
    twice = replace(program, load=replace(program.load, strategy="append", unique_key=()))
    doubled = Mutant("by hand", "appends", twice, program)
    found = answered(case, place, runs, clock, Verdict(doubled, "killed", "loads 1", "rows"))
    assert found.by_test() == {"one_an_id": 1}


def test_only_faults_that_change_rows_are_for_tests(clock: Clock) -> None:
    (place,), _ = seen(case_of(spec()), clock, Rows((rows((1, "a")),)))
    one = fault(place, "'-'", "'+'")
    assert changing_rows([one, replace(one, how="types"), replace(one, how="error")]) == [one]


def test_a_proposed_test_kills_what_was_missed_and_passes_on_the_code(clock: Clock) -> None:
    case = shipping(case_of(spec()), NO_NULL)
    given = Rows((rows((1, None), (2, "b"), (3, "c"), (4, "d")),))
    (place,), runs = seen(case, clock, given)
    missed = fault(place, "'-'", "'+'")
    found = proposed(case, place, Noticed(missed=(missed,)), runs, time.monotonic() + 60)
    assert found.kills == 1
    (test,) = YAML(typ="safe").load("unit_tests:\n" + found.text)["unit_tests"]
    assert test["model"] == "m"
    assert test["given"] == [{"input": "ref('stg_s__t')", "rows": [{"id": 1}]}]
    assert test["expect"]["rows"] == [{"id": 1, "name": "-"}]
    again = ShippedUnitTest(
        test["name"], "m",
        {_below(case): tuple(test["given"][0]["rows"])},
        tuple(test["expect"]["rows"]),
    )  # fmt: skip
    after = answered(shipping(case, units=[again]), place, runs, clock, missed)
    assert after.by_test() == {test["name"]: 1}
    assert not after.blind.get(test["name"])


def _below(case: Case) -> str:
    found = case.compiled.unit("stg_s__t")
    assert found is not None
    return found.relation


def test_nothing_is_proposed_where_nothing_is_missed(clock: Clock) -> None:
    case = case_of(spec())
    (place,), runs = seen(case, clock, Rows((rows((1, "a")),)))
    assert proposed(case, place, Noticed(), runs, time.monotonic() + 60).text == ""


def test_a_program_of_other_rows_is_never_taken_for_the_same(clock: Clock) -> None:
    """Answers are kept by what a table holds: two faults that hold different rows are two."""
    case = shipping(case_of(spec()), ("no_x", "select 1 from {m} where name = 'x'", "m"))
    (place,), runs = seen(case, clock, Rows((rows((1, None)),)))
    first, second = fault(place, "'-'", "'y'"), fault(place, "'-'", "'x'")
    third = Verdict(
        Mutant("by hand", "x again", Program("select 1 as id, 'x' as name"), first.mutant.original),
        "killed", "d", "rows",
    )  # fmt: skip
    found = answered(case, place, runs, clock, first, second, third)
    assert found.missed == (first,)
    assert found.by_test() == {"no_x": 2}
