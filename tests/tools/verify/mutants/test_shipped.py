import datetime as dt
from decimal import Decimal
from typing import Any

from ruamel.yaml import YAML

from tests.tools.verify.mutants.shop import SHOP, dataset, facts
from tools.sql.mutate.enumerate import mutants
from tools.sql.mutate.mutant import Mutant
from tools.sql.mutate.program import Load, Program, program
from tools.verify.dataset import Dataset, Table
from tools.verify.mutants.propose import propose_unit_tests
from tools.verify.mutants.run import run_mutants
from tools.verify.mutants.shipped import BUILD, shipped_kill_rate
from tools.verify.mutants.shipped import TestQuery as Query  # pytest collects what is called Test
from tools.verify.mutants.unit import UnitTest
from tools.verify.mutants.unit_yaml import unit_tests_yaml

QUERIES = {q["name"]: q["sql"] for q in SHOP["queries"]}
SQL = "select a, coalesce(b, 0) as b from raw.t where a > 0"
DATA = Dataset(
    {"raw.t": Table((("a", "bigint"), ("b", "bigint")), ((1, None), (2, 5), (0, 7)))}, name="d"
)
TESTS = [
    Query("not_null_b", 'select b from "dev"."marts"."m" where b is null'),
    Query("a_is_two", 'select a from "dev"."marts"."m" where a <> 2'),
]


def planted(*texts: str) -> list[Mutant]:
    return [Mutant("by hand", t, Program(t), Program(SQL)) for t in texts]


def shipped(found: list[Mutant], **options: Any) -> Any:
    return shipped_kill_rate(SQL, found, [DATA], relation="dev.marts.m", **options)


def test_a_data_test_that_finds_rows_catches_a_mutant() -> None:
    faults = planted(
        "select a, b from raw.t where a > 0", "select a, 1 as b from raw.t where a > 0"
    )
    found = shipped(faults, tests=TESTS)
    assert found.caught == ("not_null_b", None)
    assert found.rate == 0.5
    assert found.survivors == (faults[1],)
    assert found.by_test() == {"not_null_b": 1}
    assert found.blind == ("a_is_two",)


def test_a_mutant_that_does_not_build_is_caught() -> None:
    found = shipped(planted("select a, error('no') as b from raw.t where a > 0"), tests=TESTS)
    assert found.caught == (BUILD,)


def test_without_tests_nothing_is_caught() -> None:
    assert shipped(planted("select 1 as a, 2 as b")).rate == 0.0
    assert shipped([]).rate is None


def test_unit_tests_catch_and_say_nothing_when_the_original_fails_them() -> None:
    given = {"raw.t": Table((("a", "bigint"), ("b", "bigint")), ((3, None),))}
    right = UnitTest("fills", given, Table((("b", "bigint"),), ((0,),)))
    wrong = UnitTest("wrong", given, Table((("b", "bigint"),), ((1,),)))
    unknown = UnitTest("unknown", given, Table((("c", "bigint"),), ((1,),)))
    faults = planted(
        "select a, b from raw.t where a > 0", "select a + 1 as a, 0 as b from raw.t where a > 0"
    )
    found = shipped(faults, unit_tests=[right, wrong, unknown])
    assert found.caught == ("fills", None)
    assert found.blind == ("wrong", "unknown")


def test_expected_values_are_read_as_the_types_of_the_model() -> None:
    kinds = (("a", "decimal(12, 2)"), ("b", "timestamp"))
    sql = "select a, b from raw.t"
    given = {"raw.t": Table(kinds, ((Decimal("1.50"), dt.datetime(2020, 1, 1)),))}
    test = UnitTest("typed", given, Table((("a", ""), ("b", "")), (("1.5", "2020-01-01"),)))
    data = Dataset(given, name="d")
    fault = Mutant("x", "x", Program("select a + 1 as a, b from raw.t"), Program(sql))
    found = shipped_kill_rate(sql, [fault], [data], relation="m", unit_tests=[test])
    assert found.caught == ("typed",)


def test_proposed_unit_tests_kill_what_the_shipped_tests_let_live() -> None:
    sql = QUERIES["bands and flags"]
    data = [dataset(n, 20) for n in range(3)]
    result = run_mutants(sql, mutants(sql, facts()), data, facts=facts())
    killed = [v.mutant for v in result.of("killed")]
    tests = [Query("not_null", "select 1 from m where order_id is null")]
    before = shipped_kill_rate(sql, killed, data, relation="m", tests=tests)
    assert before.rate is not None
    assert before.rate < 0.3
    proposed = propose_unit_tests(sql, before.survivors, data, name="orders")
    assert not proposed.left
    assert len(proposed.tests) <= 6
    units = [p.test for p in proposed.tests]
    assert all(sum(len(t.rows) for t in u.given.values()) <= 12 for u in units)
    after = shipped_kill_rate(sql, killed, data, relation="m", tests=tests, unit_tests=units)
    assert not after.blind
    assert after.rate == 1.0
    assert sum(len(p.kills) for p in proposed.tests) == len(before.survivors)


def test_proposals_are_yaml_that_dbt_reads() -> None:
    sql = "select a, upper(c) as c, d from raw.t where a > 1"
    kinds = (
        ("a", "bigint"),
        ("c", "varchar"),
        ("d", "date"),
        ("unread", "varchar"),
        ("void", "varchar"),
    )
    rows = (
        (1, "x", dt.date(2020, 1, 1), "u", None),
        (2, "no", None, "u", None),
        (3, "z", None, "u", None),
    )
    data = Dataset({"raw.t": Table(kinds, rows)}, name="d")
    faults = mutants(sql, operators=["predicate_dropped", "function_dropped"])
    proposed = propose_unit_tests(sql, faults, [data], name="m")
    text = unit_tests_yaml(
        proposed.tests, model="m", inputs={'"raw"."t"': "source('raw', 't')"}, program=Program(sql)
    )
    (test,) = YAML(typ="safe").load(text)["unit_tests"]
    assert test["model"] == "m"
    assert test["given"][0]["input"] == "source('raw', 't')"
    assert "unread" not in text
    assert "void" not in text
    assert '"2020-01-01"' in text
    assert {r["c"] for r in test["expect"]["rows"]} <= {"NO", "Z"}
    assert test["description"].endswith(", and 1 more.")


def test_a_later_load_is_proposed_with_the_table_as_it_stands() -> None:
    model = program(
        "select a, b from raw.t",
        "select a, b from raw.t where b > (select max(b) from dev.m)",
        this="dev.m",
        load=Load("append"),
    )
    kinds = (("a", "bigint"), ("b", "bigint"))
    first = Dataset({"raw.t": Table(kinds, ((1, 1), (2, 5)))}, name="d")
    later = Dataset({"raw.t": Table(kinds, ((3, 5), (4, 6)))}, name="d")
    faults = mutants(model, operators=["watermark"])
    proposed = propose_unit_tests(model, faults, [(first, later)], name="m")
    assert [p.test.incremental for p in proposed.tests] == [True]
    text = unit_tests_yaml(proposed.tests, model="m", inputs={"raw.t": "ref('t')"}, program=model)
    (test,) = YAML(typ="safe").load(text)["unit_tests"]
    assert test["overrides"] == {"macros": {"is_incremental": True}}
    assert [g["input"] for g in test["given"]] == ["ref('t')", "this"]
    none = unit_tests_yaml(proposed.tests, model="m", inputs={}, program=model)
    assert "input: raw.t" in none
    unit = proposed.tests[0].test
    after = shipped_kill_rate(model, faults, [(first, later)], relation="dev.m", unit_tests=[unit])
    assert after.rate == 1.0
