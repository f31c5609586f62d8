"""The oracle over several loads: tables that are added to, merged into, and histories."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import cases
from tools.spec.model import Spec
from tools.verify.dataset import Dataset, Table
from tools.verify.oracle.engine import Engine, as_text
from tools.verify.oracle.warehouse import evaluate_pipeline, load_history

CASES = Path(__file__).parent / "cases"
NAMES = ("id", "name", "note", "at", "seq", "gone")
KINDS = ("integer", "varchar", "varchar", "timestamp", "integer", "boolean")


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as found:
        yield found


def day(number: float) -> dt.datetime:
    return dt.datetime(2024, 1, 1) + dt.timedelta(days=number)


def spec_of(case: dict[str, Any], model: dict[str, Any]) -> Spec:
    operation = case.get("operation", False)
    kinds = [*KINDS[:-1], "varchar" if operation else "boolean"]
    table: dict[str, Any] = {
        "name": "t",
        "columns": [{"name": n, "type": k} for n, k in zip(NAMES, kinds, strict=True)],
        "primary_key": ["id"],
        "deletes": {"how": "operation"} if operation else case.get("deletes", {}),
    }
    if operation:
        table |= {"extract": "cdc", "operation": {"column": "gone", "deleted": ["D"]}}
    models = [model]
    if case.get("through"):
        models = [{"name": "between", "from": "s.t"}, {**model, "from": "between"}]
    source = {"name": "s", "system": "test", "tables": [table]}
    return Spec.model_validate({"pipeline": "p", "sources": [source], "models": models})


def batch(rows: list[list[Any]]) -> Dataset:
    made = []
    for row in rows:
        values = [as_text(v) for v in row]
        values[3] = None if row[3] is None else str(day(row[3]))
        made.append(tuple(values))
    return Dataset({"s.t": Table(tuple((n, "varchar") for n in NAMES), tuple(made))})


def shown(rows: Any) -> list[list[str | None]]:
    def word(value: Any) -> str | None:
        text = as_text(value)
        if text is not None and text.startswith("d") and text[1:].replace(".", "").isdigit():
            return str(day(float(text[1:])))
        return text

    return sorted(([word(v) for v in row] for row in rows), key=repr)


def check(case: dict[str, Any], model: dict[str, Any], engine: Engine) -> None:
    spec = spec_of(case, {"name": "m", **model})
    batches = [batch(rows) for _, rows in case["loads"]]
    moments = [day(at) for at, _ in case["loads"]]
    found = load_history(spec, spec.models[-1], batches, moments, engine=engine)
    if "open" in case:
        assert any(case["open"] in reason for reason in found.undetermined), found
        return
    assert found.undetermined == ()
    assert shown(found.table.rows) == shown(case["expect"])


@cases.each(CASES / "loads.yaml")
def test_loads(case: dict[str, Any], engine: Engine) -> None:
    check(case, case["model"], engine)


@cases.each(CASES / "histories.yaml")
def test_histories(case: dict[str, Any], engine: Engine) -> None:
    columns = [{"name": n} for n in ("id", "name", "note")]
    load = {"strategy": "scd2", "key": ["id"], **case["load"]}
    check(case, {"from": "s.t", "columns": columns, "load": load}, engine)


def test_the_order_of_changes_does_not_matter(engine: Engine) -> None:
    rows = [[1, "a", "x", 1, 1, False], [1, "b", "x", 2, 1, False], [1, "c", "x", 3, 1, False]]
    columns = [{"name": n} for n in ("id", "name", "note")]
    load = {"strategy": "scd2", "key": ["id"], "effective_at": "at"}
    spec = spec_of({}, {"name": "m", "from": "s.t", "columns": columns, "load": load})
    found = [
        load_history(
            spec, spec.models[0], [batch([rows[i]]) for i in order], [day(9)] * 3, engine=engine
        )
        for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0))
    ]
    assert shown(found[0].table.rows) == shown(found[1].table.rows) == shown(found[2].table.rows)


def test_a_model_that_fails_leaves_the_others_their_rows(engine: Engine) -> None:
    spec = spec_of({}, {"name": "m", "from": "s.t", "columns": [{"name": "id"}]})
    broken = {"name": "broken", "from": "s.t", "columns": [{"name": "x", "expr": "nothing + 1"}]}
    after = {"name": "after", "from": "broken", "columns": [{"name": "x"}]}
    models = [spec.models[0].model_dump(by_alias=True), broken, after]
    spec = Spec.model_validate({**spec.model_dump(by_alias=True), "models": models})
    found = evaluate_pipeline(spec, batch([[1, "a", "x", 1, 1, False]]), engine=engine)
    assert found["m"].table.rows == ((1,),)
    assert "nothing here is called nothing" in found["broken"].failed
    assert found["after"].failed == found["broken"].failed


def test_models_of_other_specs_are_worked_out_too(engine: Engine) -> None:
    there = spec_of({}, {"name": "m", "from": "s.t", "columns": [{"name": "id"}]})
    here = Spec.model_validate({"pipeline": "q", "models": [{"name": "n", "from": "m"}]})
    data = batch([[1, "a", "x", 1, 1, False]])
    found = evaluate_pipeline(here, data, {"m": there}, engine=engine)
    assert found["n"].table.rows == ((1,),)


def test_a_question_that_takes_too_long_is_stopped() -> None:
    join = {"to": "s.t", "as": "o", "on": "regexp_matches(t.name || o.name, '(a+)+b')"}
    spec = spec_of({}, {"name": "m", "from": "s.t", "columns": [{"name": "id"}], "joins": [join]})
    rows = [[n, "a" * 50, "x", 1, 1, False] for n in range(4000)]
    with Engine(seconds=0.1) as brief:
        found = evaluate_pipeline(spec, batch(rows), engine=brief)
    assert "0.1 seconds" in found["m"].failed
