"""Every operator plants faults that rows can kill, and most plant some that are harmless."""

from tests.cases import load
from tests.tools.verify.mutants.shop import CASES, SHOP, dataset, facts
from tests.tools.verify.mutants.test_loads import loads, model
from tools.sql.equivalent.prove import Prover
from tools.sql.mutate.enumerate import mutants
from tools.sql.mutate.loads import LOADS
from tools.sql.mutate.registry import registered
from tools.verify.mutants.run import run_mutants

QUERIES = {q["name"]: q["sql"] for q in SHOP["queries"]}
EVERY = {*registered(), *LOADS}


def test_every_operator_can_be_killed() -> None:
    killed: set[str] = set()
    for case in load(CASES / "loads.yaml"):
        original = model(case)
        found = run_mutants(original, mutants(original), [loads(case)])
        killed |= {v.mutant.operator for v in found.of("killed")}
    data = [dataset(n, 16) for n in (1, 3)]
    for sql in QUERIES.values():
        chosen = {m.operator: m for m in mutants(sql, facts(), operators=EVERY - killed)}
        found = run_mutants(sql, list(chosen.values()), data)
        killed |= {v.mutant.operator for v in found.of("killed")}
    assert killed == EVERY


def test_many_operators_plant_harmless_faults_that_are_shown_to_be() -> None:
    prover = Prover(facts())
    shown = {
        m.operator
        for sql in (QUERIES[n] for n in HARMLESS)
        for m in mutants(sql, facts(), operators=NEED_NO_Z3)
        if prover.prove(m.original.queries, m.program.queries)
    }
    assert shown == NEED_NO_Z3


HARMLESS = [
    "orders with their customers",
    "the first order by QUALIFY",
    "the last event of a customer",
    "running totals",
    "a union of what is apart",
    "grouping that a key makes superfluous",
    "ranks with ties, and defaults that nobody needs",
]
NEED_NO_Z3 = {
    "coalesce", "column_swapped", "count_star", "distinct", "group_by_dropped", "join_type",
    "rank_kind", "union_kind", "window_frame", "window_order",
}  # fmt: skip
