"""No false equivalents: what an argument lets pass must not be told apart by any rows.

Every mutant that has an argument is tried on random rows that keep the declared constraints; when
it is killed, the argument is wrong.
"""

import pytest

from tests.tools.verify.mutants.random_queries import Writer
from tests.tools.verify.mutants.shop import SHOP, dataset, facts
from tools.sql.equivalent import smt
from tools.sql.equivalent.prove import Prover
from tools.sql.mutate.enumerate import mutants
from tools.verify.mutants.run import run_mutants

QUERIES = {q["name"]: q["sql"] for q in SHOP["queries"]}
QUICK = [
    "orders with their customers",
    "the first order by QUALIFY",
    "a union of what is apart",
    "a distinct that a key makes superfluous",
    "one row",
]


def check(sql: str, seeds: range) -> int:
    """Tries the mutants that have an argument, and says how many there are."""
    prover = Prover(facts())
    planted = mutants(sql, facts())
    proofs = {m: prover.prove(m.original.queries, m.program.queries) for m in planted}
    proved = [m for m in planted if proofs[m] is not None]
    found = run_mutants(sql, proved, [dataset(n, 4 + n % 5 * 5) for n in seeds])
    wrong = [
        f"{proofs[v.mutant]}: {v.by} ({v.how})\n{v.mutant.diff}"
        for v in found.verdicts
        if v.status == "killed"
    ]
    assert not wrong, "\n".join(wrong)
    return len(proved)


@pytest.mark.parametrize("name", QUICK)
def test_no_rows_tell_an_equivalent_from_the_original(name: str) -> None:
    check(QUERIES[name], range(2))


@pytest.mark.slow
def test_enough_mutants_are_shown_equivalent_for_that_to_mean_something() -> None:
    floor = 90 if smt.available() else 70
    assert sum(check(sql, range(1)) for sql in QUERIES.values()) > floor


@pytest.mark.slow
@pytest.mark.parametrize("name", QUERIES)
def test_no_rows_of_many_tell_an_equivalent_from_the_original(name: str) -> None:
    check(QUERIES[name], range(100, 200))


def test_a_wrong_argument_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check itself is able to fail."""
    from tools.sql.equivalent.prove import Argument

    monkeypatch.setattr(Prover, "prove", lambda *_: Argument("anything", "because"))
    with pytest.raises(AssertionError, match="anything"):
        check(QUERIES["bands and flags"], range(2))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(40))
def test_no_rows_tell_an_equivalent_of_a_random_query_from_it(seed: int) -> None:
    check(Writer(seed).query(), range(seed, seed + 6))


def test_random_queries_run() -> None:
    """The queries that the slow test is about are queries, and their mutants are."""
    for seed in range(6):
        sql = Writer(seed).query()
        found = run_mutants(sql, mutants(sql, facts())[:5], [dataset(seed, 8)])
        assert not found.problem, sql
        assert not found.of("invalid"), sql
