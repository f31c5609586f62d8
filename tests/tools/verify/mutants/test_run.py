import datetime as dt
import itertools
import time
from types import SimpleNamespace
from typing import Any

import pytest

from tests.tools.verify.mutants.shop import SHOP, dataset, facts
from tools.errors import UsageError
from tools.sql.equivalent.facts import Column, Declared
from tools.sql.equivalent.prove import Argument, Prover
from tools.sql.mutate.enumerate import mutants
from tools.sql.mutate.mutant import Mutant
from tools.sql.mutate.program import Program
from tools.verify.dataset import Dataset, Table
from tools.verify.mutants import schedule
from tools.verify.mutants.run import run_mutants
from tools.verify.mutants.verdict import MutationResult

QUERIES = {q["name"]: q["sql"] for q in SHOP["queries"]}


def rows(*values: tuple[Any, ...], kinds: str = "bigint varchar") -> Dataset:
    columns = tuple(zip("ab", kinds.split(), strict=False))
    return Dataset({"raw.t": Table(columns, values)}, name="rows")


def planted(original: str, sql: str) -> Mutant:
    return Mutant("by hand", "as a test wants it", Program(sql), Program(original))


def run(original: str, sql: str, *datasets: Dataset, **options: Any) -> MutationResult:
    return run_mutants(original, [planted(original, sql)], datasets, **options)


def only(result: MutationResult) -> tuple[str, str, str]:
    (verdict,) = result.verdicts
    return verdict.status, verdict.how, verdict.by


def test_other_rows_kill() -> None:
    found = run("select a from raw.t", "select a + 1 as a from raw.t where a < 2", rows((1, "x")))
    assert only(found)[::2] == ("killed", "rows")
    assert (
        only(run("select a from raw.t", "select a from raw.t limit 1", rows((1, ""), (1, ""))))[0]
        == "killed"
    )


def test_equal_bags_do_not_whatever_their_order() -> None:
    original = "select a, b from raw.t order by a"
    found = run(original, "select a, b from raw.t order by a desc", rows((1, "x"), (2, None)))
    assert only(found)[0] == "undecided"
    assert found.rate == 0.0


def test_another_type_kills_and_says_so() -> None:
    found = run("select a from raw.t", "select a::integer as a from raw.t", rows((1, "x")))
    assert only(found) == ("killed", "types", "rows")
    assert found.verdicts[0].detail == "BIGINT became INTEGER"


def test_an_error_on_rows_kills() -> None:
    found = run("select b from raw.t", "select b::integer::varchar as b from raw.t", rows((1, "x")))
    assert only(found)[:2] == ("killed", "error")
    assert "Conversion Error" in found.verdicts[0].detail


@pytest.mark.parametrize(
    "sql", ["select c from raw.t", "select a from", "select upper(a) + 1 from raw.t"]
)
def test_what_does_not_bind_is_invalid_and_counts_nowhere(sql: str) -> None:
    found = run("select a from raw.t", sql, rows((1, "x")))
    assert only(found)[0] == "invalid"
    assert found.rate is None


def test_what_fails_without_rows_too_is_invalid() -> None:
    scalar = "select a from raw.t where a > (select 1 union all select 2)"
    assert only(run("select a from raw.t", scalar, rows((1, "x"))))[0] == "invalid"


def test_a_query_that_runs_on_is_stopped_and_undecided() -> None:
    forever = (
        "with recursive r as (select 1 as n union all select n + 1 from r) "
        "select count(*) as a from r"
    )
    started = time.monotonic()
    found = run("select a from raw.t", forever, rows((1, "x")), query_seconds=0.2)
    assert only(found)[0] == "undecided"
    assert found.verdicts[0].detail == "took longer than 0.2 s"
    assert time.monotonic() - started < 5


def test_floats_may_differ_in_their_last_bits_only() -> None:
    data = rows(*[(0.1 * n, "x") for n in range(50)], kinds="double varchar")
    original = "select sum(a) as s from raw.t"
    other = "select sum(a) + 1e-12 as s from raw.t"
    assert only(run(original, other, data))[0] == "undecided"
    assert only(run(original, "select sum(a) + 0.001 as s from raw.t", data))[0] == "killed"


def test_a_result_that_depends_on_the_order_of_rows_kills_nothing() -> None:
    data = rows((1, "x"), (1, "y"), (2, "z"))
    original = "select a, first(b) as b, count(*) as n from raw.t group by a"
    found = run(original, "select a, last(b) as b, count(*) as n from raw.t group by a", data)
    assert found.unstable == {"rows": ("b",)}
    assert only(found)[0] == "undecided"
    found = run(original, "select a, last(b) as b, count(*) + 1 as n from raw.t group by a", data)
    assert only(found)[0] == "killed"


def test_a_mutant_that_depends_on_the_order_is_killed_by_the_reversed_rows() -> None:
    data = rows((1, "x"), (1, "y"))
    original = "select a, b from raw.t qualify row_number() over (partition by a order by b) = 1"
    other = "select a, b from raw.t qualify row_number() over (partition by a) = 1"
    assert only(run(original, other, data)) == ("killed", "rows", "rows, rows reversed")


def test_a_data_set_on_which_the_original_fails_is_left_out() -> None:
    original = "select a, b::integer as c from raw.t"
    found = run(original, "select a, b::integer + 1 as c from raw.t", rows((1, "x")))
    assert list(found.skipped) == ["rows"]
    assert found.problem == "no data set can be used"
    assert only(found)[0] == "not_tried"
    both = run(original, "select a, b::integer + 1 as c from raw.t", rows((1, "x")), rows((1, "2")))
    assert only(both)[0] == "killed"


def test_a_query_that_is_not_written_anew_faithfully_is_not_mutated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from tools.verify.mutants import run as module

    monkeypatch.setattr(module, "canonical", lambda sql: sql.replace("a > 1", "a > 0"))
    found = run("select a from raw.t where a > 1", "select a from raw.t", rows((1, "x")))
    assert found.problem == "written anew, the query gives another result on rows"


def test_the_deadline_leaves_the_rest_untried_operator_by_operator(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sql = QUERIES["bands and flags"]
    planted = mutants(sql, facts())
    ticks = itertools.count()
    monkeypatch.setattr(schedule, "time", SimpleNamespace(monotonic=lambda: next(ticks)))
    found = run_mutants(sql, planted, [dataset(1, 5)], deadline=12, threads=1)
    tried = [v.mutant.operator for v in found.verdicts if v.status != "not_tried"]
    assert len(tried) == 12
    assert set(tried) == {m.operator for m in planted}
    assert found.by_operator()["literal"].not_tried > 5
    assert found.of("not_tried")[0].detail == "time was up"


def test_relations_are_found_by_their_last_parts_and_named_when_missing() -> None:
    named = 'select a from "dev"."raw"."t"'
    assert only(run(named, 'select a + 1 as a from "dev"."raw"."t"', rows((1, "x"))))[0] == "killed"
    with pytest.raises(UsageError, match=r"no data for relation raw\.other"):
        run("select a from raw.other", "select 1 as a", rows())
    with pytest.raises(UsageError, match=r"has no table nope"):
        run("select a from raw.t", "select 1 as a", rows(), relations={"raw.t": "nope"})


def test_macros_are_there_when_they_are_prepared() -> None:
    def prepare(connection: Any) -> None:
        connection.execute("create macro twice(x) as 2 * x")

    sql = "select twice(a) as a from raw.t"
    assert only(run(sql, "select a from raw.t", rows((1, "x")), prepare=prepare))[0] == "killed"
    assert run(sql, "select a from raw.t", rows((1, "x"))).skipped


@pytest.mark.parametrize("name", QUERIES)
def test_the_original_is_never_killed_by_itself(name: str) -> None:
    sql = QUERIES[name]
    found = run_mutants(sql, [planted(sql, sql)], [dataset(n, 12) for n in range(4)])
    assert not found.problem
    assert not found.skipped
    assert not found.unstable
    assert found.verdicts[0].status == "undecided"


def test_the_result_says_what_happened() -> None:
    sql = QUERIES["orders with their customers"]
    found = run_mutants(
        sql, mutants(sql, facts()), [dataset(n, 16) for n in range(3)], facts=facts()
    )
    tally = found.tally
    assert tally.killed + tally.equivalent + tally.undecided == len(found.verdicts)
    assert found.rate == tally.killed / (tally.killed + tally.undecided)
    assert sum(found.kills().values()) == tally.killed
    assert found.of("equivalent")
    shown = found.to_json()
    assert shown["operators"]["join_type"]["equivalent"] == 2
    assert all(s["diff"] for s in shown["survivors"])


def test_a_wrong_argument_loses_to_rows_and_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    claim = Argument("anything", "because")
    monkeypatch.setattr(Prover, "prove", lambda *_: claim)
    data = [rows((1, "x")), rows((1, "y")), rows((1, "x"), (5, "y"))]
    args = ("select a from raw.t", "select least(a, 4) as a from raw.t", *data[:2], data[2])
    trusting = run(*args)
    assert only(trusting)[0] == "killed" or only(trusting)[0] == "equivalent"
    checked = run(*args, recheck=True)
    assert only(checked)[0] == "killed"


def test_a_key_that_is_not_declared_makes_nothing_equivalent() -> None:
    fact = {"raw.t": Declared((Column("a", "bigint", False), Column("b", "varchar")), (("a",),))}
    sql, other = "select a from raw.t", "select distinct a from raw.t"
    data = rows((1, "x"), (2, "y"))
    assert only(run(sql, other, data, facts=fact))[::2] == ("equivalent", "unique_rows")
    assert only(run(sql, other, data))[0] == "undecided"


TIED = (
    "select b, row_number() over (partition by a order by day, b) as n, "
    "lag(b) over (partition by a order by day, b) as before from raw.t"
)


def of_ties(sql: str) -> tuple[MutationResult, tuple[Mutant, ...]]:
    columns = (("a", "bigint"), ("b", "bigint"), ("day", "date"))
    days = [(1, number, dt.date(2024, 1, 1)) for number in range(4)]
    data = Dataset({"raw.t": Table(columns, tuple(days))}, name="ties")
    dropped = [m for m in mutants(sql) if m.description == "order by b dropped"]
    return run_mutants(sql, dropped, [data]), tuple(dropped)


def test_an_order_of_ties_that_is_chance_is_told_although_the_database_was_lucky() -> None:
    """DuckDB sorts once for both windows: the one that lost its key is right by luck."""
    found, dropped = of_ties(TIED)
    assert len(dropped) == 2
    assert [v.status for v in found.verdicts] == ["killed"] * 2
    assert {v.detail for v in found.verdicts} == {
        "where ties come in another order, which they may"
    }
    assert [v.mutant for v in found.verdicts] == list(dropped)


@pytest.mark.parametrize("function", ["rank()", "sum(b)", "count(*)", "last_value(b)"])
def test_what_sees_ties_at_once_has_no_order_among_them(function: str) -> None:
    sql = f"select b, {function} over (partition by a order by day, b) as n from raw.t"
    assert [m.by_chance for m in of_ties(sql)[1]] == [None]


def test_rows_of_a_frame_come_one_by_one() -> None:
    frame = "rows between unbounded preceding and current row"
    sql = f"select b, sum(b) over (partition by a order by day, b {frame}) as n from raw.t"
    found, dropped = of_ties(sql)
    assert [v.status for v in found.verdicts] == ["killed"]
    assert dropped[0].by_chance is not None
