"""Models that cannot be proved end in a clear verdict, and the others still get theirs."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from tests.tools.verify.proof.compiled import case_of
from tools.spec.model import Spec
from tools.verify.mutants.clock import Clock
from tools.verify.oracle.engine import Engine
from tools.verify.outcome import Verdict
from tools.verify.proof import fields
from tools.verify.proof.agree import Case
from tools.verify.proof.compile import Unit
from tools.verify.proof.engine import House, run_loads
from tools.verify.proof.fields import Rows, judged_series
from tools.verify.proof.tier import Proof, refute, rows_for

CELLS = [
    {"name": "id", "type": "integer", "nullable": False},
    {"name": "n", "type": "integer"},
    {"name": "d", "type": "integer"},
]


def model(name: str, kind: str, expr: str) -> dict[str, Any]:
    columns = [{"name": "id"}, {"name": "x", "type": kind, "expr": expr}]
    return {"name": name, "from": "s.t", "columns": columns}


FINE = model("fine", "integer", "n + 1")


def case(*models: dict[str, Any]) -> Case:
    table = {"name": "t", "columns": CELLS, "primary_key": ["id"]}
    source = {"name": "s", "system": "x", "tables": [table]}
    spec = {"pipeline": "p", "sources": [source], "models": [*models, FINE]}
    return case_of(Spec.model_validate(spec))


def proved(given: Case, rows: Rows | None = None) -> Proof:
    proof = Proof(given, rows or rows_for(given.spec, "ab" * 32, {}))
    with Engine() as engine, Clock() as clock:
        proof.runs = judged_series(given, proof.rows, engine, clock)
        refute(proof, (), engine, clock)
    return proof


def verdicts(given: Case) -> dict[str, Verdict]:
    """The verdict on the last column of each model."""
    return {v.model: v for v in proved(given).verdicts}


@pytest.mark.parametrize(
    ("expr", "kind", "said"),
    [
        ("cast(now() as timestamp)", "timestamp", "now() gives another result"),
        ("random()", "double", "rand() gives another result"),
    ],
)
def test_what_differs_each_time_is_unverified_and_says_why(expr: str, kind: str, said: str) -> None:
    found = verdicts(case(model("m", kind, expr)))
    assert found["m"].kind == "UNVERIFIED"
    assert said in found["m"].reason
    assert found["fine"].kind == "TESTED"


def test_a_remainder_by_nothing_is_kept_out_of_the_rows() -> None:
    found = verdicts(case(model("m", "integer", "n % d")))
    assert {v.kind for v in found.values()} == {"TESTED"}


def test_a_model_without_a_key_gets_its_verdict() -> None:
    keyless = {"name": "m", "from": "s.t", "columns": [{"name": "n"}]}
    assert verdicts(case(keyless))["m"].kind == "TESTED"


def test_code_that_fails_where_the_spec_has_an_answer_is_refuted() -> None:
    given = case(model("m", "integer", "n"))
    unit = given.compiled.unit("m")
    assert unit is not None
    broken = replace(unit, sql=f"select id, n % 0 as x from ({unit.sql}) as q(id, n)")
    found = verdicts(given.with_code(broken))
    assert found["m"].kind == "REFUTED"
    assert found["fine"].kind == "TESTED"


def test_code_that_takes_too_much_memory_is_unverified() -> None:
    given = case(model("m", "integer", "n"))
    unit = given.compiled.unit("m")
    assert unit is not None
    huge = (
        "select id, cast(n + list_sum(range(1, n * 0 + 4000000000)) as integer) as x "
        f"from ({unit.sql}) as q(id, n)"
    )
    found = verdicts(given.with_code(replace(unit, sql=huge)))
    assert (found["m"].kind, found["m"].reason[:21]) == ("UNVERIFIED", "took more memory than")
    assert found["fine"].kind == "TESTED"


LIMIT = 1.0
FOREVER = {
    "cross join": "select q.* from ({sql}) as q, range(1000000) a, range(1000000) b, "
    "range(1000000) c where a.range + b.range + c.range < 0",
    "recursion": "with recursive r as (select 1 as k union all select -k from r) "
    "select q.* from ({sql}) as q where (select count(*) from r) > 0",
}
ABOVE = {"name": "above", "from": "m", "columns": [{"name": "id"}, {"name": "x"}]}


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The units that are run, in order; no query may run long."""
    monkeypatch.setattr(fields, "run_loads", partial(run_loads, seconds=LIMIT))
    found: list[str] = []
    run = House.run

    def noted(self: House, unit: Unit) -> None:
        found.append(unit.name)
        run(self, unit)

    monkeypatch.setattr(House, "run", noted)
    return found


@pytest.mark.parametrize("how", FOREVER)
def test_a_model_that_runs_forever_is_tried_once_and_unverified(how: str, ran: list[str]) -> None:
    given = case(model("m", "integer", "n"), ABOVE)
    unit = given.compiled.unit("m")
    assert unit is not None
    found = verdicts(given.with_code(replace(unit, sql=FOREVER[how].format(sql=unit.sql))))
    assert (found["m"].kind, found["m"].reason) == ("UNVERIFIED", f"took longer than {LIMIT:g} s")
    assert found["above"].kind == "UNVERIFIED"
    assert found["above"].reason.endswith(f"it reads m, which cannot be run: {found['m'].reason}")
    assert found["fine"].kind == "TESTED"
    assert ran.count("m") == 1
    assert ran.count("fine") > 5


def test_a_load_that_runs_forever_is_tried_once_and_the_first_one_counts(ran: list[str]) -> None:
    merged = {**model("m", "integer", "n"), "load": {"strategy": "scd1", "key": ["id"]}}
    given = case(merged)
    unit = given.compiled.unit("m")
    assert unit is not None
    later = FOREVER["recursion"].format(sql=unit.incremental)
    found = verdicts(given.with_code(replace(unit, incremental=later)))
    loaded_once = ran.count("fine")
    assert {v.kind for v in found.values()} == {"TESTED"}
    assert found["m"].datasets == loaded_once
    assert ran.count("m") == loaded_once + 2  # of all later loads, one was begun


@pytest.mark.slow
def test_every_one_of_300_columns_gets_its_verdict() -> None:
    names = [f"c{n}" for n in range(300)]
    cells = [{"name": n, "type": "integer", "nullable": n != "c0"} for n in names]
    table = {"name": "t", "columns": cells, "primary_key": ["c0"]}
    source = {"name": "s", "system": "x", "tables": [table]}
    shown = [
        {"name": "c0"},
        *({"name": n, "type": "integer", "expr": f"{n} + 1"} for n in names[1:]),
    ]
    wide = {"name": "m", "from": "s.t", "grain": ["c0"], "columns": shown}
    spec = Spec.model_validate({"pipeline": "p", "sources": [source], "models": [wide]})
    given = case_of(spec)
    unit = given.compiled.unit("m")
    assert unit is not None
    broken = replace(unit, sql=f"select * replace (c299 + 1 as c299) from ({unit.sql})")
    rows = rows_for(spec, "ab" * 32, {})
    found = {v.column: v.kind for v in proved(given, rows).verdicts}
    assert found == dict.fromkeys(names, "TESTED")
    found = {v.column: v.kind for v in proved(given.with_code(broken), rows).verdicts}
    assert found == {**dict.fromkeys(names, "TESTED"), "c299": "REFUTED"}
