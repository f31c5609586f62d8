from tests.tools.verify.mutants.shop import SHOP, dataset, facts
from tools.sql.mutate.enumerate import mutants
from tools.sql.mutate.mutant import Mutant
from tools.sql.mutate.program import Load, Program, program
from tools.verify.dataset import Dataset, Table
from tools.verify.mutants.run import run_mutants
from tools.verify.mutants.witness import witness

QUERIES = {q["name"]: q["sql"] for q in SHOP["queries"]}
KINDS = (("a", "bigint"), ("b", "varchar"))


def test_a_witness_has_no_row_too_many() -> None:
    data = Dataset({"raw.t": Table(KINDS, tuple((n, "x") for n in range(40)))}, name="d")
    sql = "select a, b from raw.t where a <> 17"
    fault = Mutant("x", "x", Program("select a, b from raw.t"), Program(sql))
    found = witness(fault, data)
    assert found is not None
    assert found.given == {"raw.t": Table(KINDS, ((17, "x"),))}
    assert found.missing.rows == ()
    assert found.extra.rows == ((17, "x"),)


def test_a_witness_of_an_error_says_which() -> None:
    data = Dataset({"raw.t": Table(KINDS, ((1, "2"), (2, "x")))}, name="d")
    fault = Mutant(
        "x",
        "x",
        Program("select b::integer as b from raw.t"),
        Program("select try_cast(b as integer) as b from raw.t"),
    )
    found = witness(fault, data)
    assert found is not None
    assert found.given["raw.t"].rows == ((2, "x"),)
    assert "Conversion Error" in found.error
    assert found.missing.rows == ((None,),)


def test_every_kill_by_rows_has_a_small_witness() -> None:
    sql, data = QUERIES["lines of orders"], dataset(3, 20)
    result = run_mutants(sql, mutants(sql, facts()), [data], facts=facts())
    kills = [v for v in result.of("killed") if v.how == "rows" and v.by == data.name]
    assert len(kills) > 10
    for verdict in kills[::5]:
        found = witness(verdict.mutant, data)
        assert found is not None, verdict.mutant
        assert sum(len(t.rows) for t in found.given.values()) <= 5
        assert found.missing.rows or found.extra.rows


def test_a_witness_of_a_later_load_shows_the_table_as_it_stood() -> None:
    model = program(
        "select a, b from raw.t",
        "select a, b from raw.t where a > (select max(a) from m)",
        this="m",
        load=Load("append"),
    )
    first = Dataset({"raw.t": Table(KINDS, ((1, "x"), (2, "y")))}, name="d")
    later = Dataset({"raw.t": Table(KINDS, ((2, "z"), (3, "w")))}, name="d")
    (fault,) = mutants(model, operators=["watermark"])
    found = witness(fault, (first, later))
    assert found is not None
    assert found.given["this"].rows == ((2, "y"),)
    assert found.given["raw.t"].rows == ((2, "z"),)
    assert found.extra.rows == ((2, "z"),)
    only_load = mutants(
        Program(model.sql, model.incremental, Load("merge", ("a",))), operators=["merge_key"]
    )
    assert witness(only_load[0], (first, later)) is None
