"""Code held against a small spec: each way in which it can be right, wrong or neither."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.tools.verify.proof.compiled import case_of
from tools.spec.model import Spec
from tools.verify.dataset import Dataset, Table
from tools.verify.mutants.clock import Clock
from tools.verify.oracle.engine import Engine
from tools.verify.proof.agree import Case, Judged, judge
from tools.verify.proof.compile import Unit

COLUMNS = (("id", "integer"), ("name", "varchar"))


def spec(**model: object) -> Spec:
    columns = [
        {"name": "id", "type": "integer", "nullable": False},
        {"name": "name", "type": "varchar"},
    ]
    table = {"name": "t", "columns": columns, "primary_key": ["id"]}
    source = {"name": "s", "system": "test", "tables": [table]}
    given = {"name": "m", "from": "s.t", "grain": ["id"], "columns": columns, **model}
    return Spec.model_validate({"pipeline": "p", "sources": [source], "models": [given]})


@pytest.fixture(scope="module")
def case() -> Case:
    return case_of(spec())


def rows(*values: tuple[int, str | None]) -> Dataset:
    return Dataset({"s.t": Table(COLUMNS, values)})


def judged(case: Case, clock: Clock, *batches: Dataset, **changes: object) -> Judged:
    unit = case.compiled.unit("m")
    assert unit is not None
    below = case.compiled.unit("stg_s__t")
    assert below is not None
    texts = {
        k: v.replace("{t}", below.relation) if isinstance(v, str) else v for k, v in changes.items()
    }
    changed: Unit = replace(unit, **texts)  # type: ignore[arg-type]
    with Engine() as engine:
        return judge(case.with_code(changed), batches, engine, clock)["m"]


def test_code_that_does_what_the_spec_says(case: Case, clock: Clock) -> None:
    assert judged(case, clock, rows((1, "a"), (2, None))).state == "same"


def test_another_value_names_its_column(case: Case, clock: Clock) -> None:
    sql = "select id, upper(name) as name from {t}"
    found = judged(case, clock, rows((1, "a"), (2, "B")), sql=sql)
    assert found.state == "differs"
    assert found.found is not None
    assert found.found.values == {"name": ("a", "A")}
    assert not found.found.rows_differ


def test_a_missing_row_is_a_difference(case: Case, clock: Clock) -> None:
    sql = "select id, name from {t} where name is not null"
    found = judged(case, clock, rows((1, "a"), (2, None)), sql=sql)
    assert found.reason == "1 row missing"


def test_another_type_is_a_difference(case: Case, clock: Clock) -> None:
    sql = "select cast(id as bigint) as id, name from {t}"
    assert judged(case, clock, rows((1, "a")), sql=sql).reason == "id is bigint, not integer"


def test_code_that_fails_where_the_spec_has_an_answer(case: Case, clock: Clock) -> None:
    sql = "select cast(name as integer) as id, name from {t}"
    found = judged(case, clock, rows((1, "a")), sql=sql)
    assert found.state == "fails"
    assert "Could not convert" in found.reason


def test_code_that_is_not_for_running_here_is_not_called_wrong(case: Case, clock: Clock) -> None:
    found = judged(case, clock, rows((1, "a")), problem="it calls now")
    assert (found.state, found.reason) == ("cannot", "it calls now")


def test_code_that_runs_forever_is_not_called_wrong(
    case: Case, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tools.verify.proof import agree, engine

    def hasty(*given: object, **more: object) -> object:
        return engine.run_loads(*given, **{**more, "seconds": 0.2})  # type: ignore[arg-type]

    monkeypatch.setattr(agree, "run_loads", hasty)
    sql = (
        "select id, name from {t} where (select count(*) from range(100000) a, "
        "range(100000) b, range(1000) c where a.range + b.range + c.range = 3) > 0"
    )
    found = judged(case, clock, rows((1, "a")), sql=sql)
    assert found.state == "cannot"
    assert "0.2 s" in found.reason


def test_a_history_is_judged_load_by_load(clock: Clock) -> None:
    load = {"strategy": "scd2", "key": ["id"]}
    case = case_of(spec(load=load))
    found = judged(case, clock, rows((1, "a")), rows((1, "b")), rows((1, "a"), (2, "x")))
    assert found.state == "same", found


def test_a_history_that_does_not_insert_is_wrong(clock: Clock) -> None:
    case = case_of(spec(load={"strategy": "scd2", "key": ["id"]}))
    unit = case.compiled.unit("m")
    assert unit is not None
    found = judged(
        case, clock, rows((1, "a")), rows((1, "b")),
        incremental=f"select * from ({unit.incremental}) where not is_current",
    )  # fmt: skip
    assert (found.state, found.batch) == ("differs", 1)
