"""Tables that outlive a run, when the types of a spec change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tools.spec.load import LoadedSpec, parse_spec
from tools.verify.reshape import lasting_tables, reshape
from tools.verify.worker import DbtWorker

TEXT = """
pipeline: orders
sources:
  - name: shop
    system: mysql
    tables:
      - name: orders
        primary_key: [id]
        columns: [{name: id, type: %s, nullable: false}, {name: at, type: timestamp}]
models:
  - name: dim_orders
    from: shop.orders
    grain: [id]
    load: {strategy: scd2, key: [id], effective_at: at}
  - {name: orders_now, from: shop.orders, grain: [id]}
"""


def spec(kind: str, tmp_path: Path) -> LoadedSpec:
    return parse_spec(TEXT % kind, path="orders.yaml", file=tmp_path / "orders.yaml")


def test_only_what_is_built_upon_lasts(tmp_path: Path) -> None:
    found = {t.name: t for t in lasting_tables(spec("bigint", tmp_path).spec)}
    assert sorted(found) == ["dim_orders", "int_dim_orders__changes"]
    assert found["dim_orders"].types["valid_to"] == "timestamp"
    assert found["int_dim_orders__changes"].types["_effective_at"] == "timestamp"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("value", "kept"), [("17", True), ("seventeen", False)], ids=["castable", "not castable"]
)
def test_values_are_cast_or_the_table_starts_anew(
    worker: DbtWorker, tmp_path: Path, value: str, kept: bool
) -> None:
    database = tmp_path / f"reshape_{kept}.duckdb"
    setup: list[Any] = [
        "create schema marts",
        "create table marts.dim_orders (dim_orders_key varchar, id varchar, valid_from timestamp)",
        f"insert into marts.dim_orders values ('k', '{value}', timestamp '2024-01-01')",
    ]
    worker.sql(database, setup)
    findings = reshape(spec("bigint", tmp_path), {}, worker=worker, database=database)
    kind = (
        "select data_type from information_schema.columns "
        "where table_name = 'dim_orders' and column_name = 'id'"
    )
    rows = worker.sql(database, [kind])[0].rows
    assert rows == ((("BIGINT",),) if kept else ())
    assert [f.code for f in findings] == ([] if kept else ["DEV001"])


@pytest.mark.slow
def test_nothing_changed_nothing_done(worker: DbtWorker, tmp_path: Path) -> None:
    database = tmp_path / "same.duckdb"
    assert reshape(spec("bigint", tmp_path), {}, worker=worker, database=database) == []
    assert not database.exists()
