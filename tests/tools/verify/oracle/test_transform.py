"""The oracle on one model: small rows in, the rows that the docstrings promise out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import cases
from tools.spec.model import Spec
from tools.verify.dataset import Dataset, Table
from tools.verify.oracle.engine import CannotEvaluate, Engine, as_text
from tools.verify.oracle.transform import Result, evaluate

CASES = Path(__file__).parent / "cases"
TABLES: dict[str, dict[str, Any]] = {
    "a": {"columns": {"id": "integer", "k": "integer"}},
    "b": {"columns": {"bid": "integer", "k": "integer", "kind": "text", "n": "integer"}},
    "t": {
        "columns": {
            "id": "integer", "kind": "text", "n": "integer", "amount": "decimal(10, 2)",
            "at": "moment",
        }
    },
    "u": {"columns": {"kind": "text", "label": "text"}},
    "f": {
        "columns": {"id": "integer", "name": "text", "op": "text", "loaded": "moment"},
        "extract": "cdc", "operation": {"column": "op"}, "loaded_at": "loaded",
    },
}  # fmt: skip
WORDS = {
    "bigquery": {"integer": "INT64", "text": "STRING", "moment": "DATETIME"},
    "snowflake": {"text": "varchar", "moment": "timestamp_ntz"},
    "duckdb": {"text": "varchar", "moment": "timestamp"},
}


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as found:
        yield found


def spec_of(case: dict[str, Any]) -> Spec:
    dialect = case.get("dialect", "duckdb")
    words = WORDS[dialect]
    tables = [
        {
            **table,
            "name": name,
            "columns": [
                {"name": n, "type": words.get(kind, "NUMERIC" if "decimal" in kind and
                 dialect == "bigquery" else kind)}
                for n, kind in table["columns"].items()
            ],
        }
        for name, table in TABLES.items()
    ]  # fmt: skip
    source = {"name": "s", "system": "test", "tables": tables}
    model = {"name": "m", **case["model"]}
    return Spec.model_validate(
        {"pipeline": "p", "dialect": dialect, "sources": [source], "models": [model]}
    )


def dataset_of(case: dict[str, Any]) -> Dataset:
    tables = {}
    for name, rows in case["given"].items():
        columns = tuple((n, "varchar") for n in TABLES[name]["columns"])
        tables[f"s.{name}"] = Table(columns, tuple(tuple(map(as_text, row)) for row in rows))
    return Dataset(tables)


def shown(rows: Any) -> list[list[str | None]]:
    return sorted(([as_text(v) for v in row] for row in rows), key=repr)


def check(case: dict[str, Any], engine: Engine) -> None:
    spec = spec_of(case)

    def result() -> Result:
        return evaluate(spec, spec.models[0], dataset_of(case), engine=engine)

    if "fails" in case:
        with pytest.raises(CannotEvaluate, match=case["fails"]):
            result()
        return
    found = result()
    if "open" in case:
        assert any(case["open"] in reason for reason in found.undetermined), found
        return
    assert found.undetermined == ()
    assert shown(found.table.rows) == shown(case["expect"])
    if "kinds" in case:
        assert [kind for _, kind in found.table.columns] == case["kinds"]


@cases.each(CASES / "joins.yaml")
def test_joins(case: dict[str, Any], engine: Engine) -> None:
    check(case, engine)


@cases.each(CASES / "rows.yaml")
def test_rows(case: dict[str, Any], engine: Engine) -> None:
    check(case, engine)


@cases.each(CASES / "groups.yaml")
def test_groups(case: dict[str, Any], engine: Engine) -> None:
    check(case, engine)
