from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from tests.cases import each
from tests.tools.verify.specs import spec
from tools.findings import Severity
from tools.verify.data import Loading, load_sources
from tools.verify.worker import DbtWorker

pytestmark = pytest.mark.slow

NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)

ORDERS = """
pipeline: shop
sources:
  - name: shop
    system: mysql
    tables:
      - name: orders
        primary_key: [id]
        columns:
          - {name: id, type: bigint, nullable: false}
          - {name: name, type: varchar}
          - {name: price, type: "decimal(8, 2)"}
          - {name: seen, type: timestamp}
          - {name: day, type: date}
"""
SHOWN = "select id::varchar, name, price::varchar, seen::varchar, day::varchar from raw.orders"


def load(worker: DbtWorker, folder: Path, text: str = ORDERS, now: dt.datetime = NOON) -> Loading:
    return load_sources(
        [spec(text, folder)], [], worker=worker, database=folder / "shop.duckdb", now=now
    )


@each(Path(__file__).parent / "cases" / "data.yaml")
def test_files(case: dict[str, Any], worker: DbtWorker, tmp_path: Path) -> None:
    content = case["bytes"].encode("latin-1") if "bytes" in case else case["file"].encode()
    for old, new in case.get("content_replace", {}).items():
        content = content.replace(old.encode(), new.encode())
    file = tmp_path / "data" / f"orders.{case.get('suffix', 'csv')}"
    file.parent.mkdir()
    file.write_bytes(content)
    text = ORDERS
    if "personal" in case:
        text = text.replace('"decimal(8, 2)"', '"decimal(8, 2)", pii: true')
    loading = load(worker, tmp_path, text)
    found = list(loading.report)
    expected = case.get("findings", [])
    assert [(f.code, f.location.line if f.location else 0) for f in found] == [
        (code, line) for code, line, _ in expected
    ], [str(f) for f in found]
    for finding, (_, _, part) in zip(found, expected, strict=True):
        assert part in finding.message
        assert finding.location is not None
        assert finding.location.path == str(file)
    if "hint" in case:
        assert all(case["hint"] in f.hint for f in found)
    if "rows" in case:
        rows = worker.sql(tmp_path / "shop.duckdb", [SHOWN])[0].rows
        assert [list(r) for r in rows] == case["rows"]
        assert loading.tables[0].rows == len(case["rows"])


def test_what_points_at_the_data_weighs_by_what_follows(worker: DbtWorker, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "orders.csv").write_text("id,name,price,seen,day\n1,a,x,,\n1,b,1,,\n")
    weights = {f.code: f.severity for f in load(worker, tmp_path).report}
    assert weights == {"DATA003": Severity.ERROR, "DATA005": Severity.WARNING}


def test_columns_beyond_an_evolving_contract_are_left_out(
    worker: DbtWorker, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "orders.csv").write_text("id,name,price,seen,day,more\n1,a,1,,,x\n")
    text = ORDERS.replace(
        "        columns:\n", "        schema_contract: {columns: evolve}\n        columns:\n"
    )
    loading = load(worker, tmp_path, text)
    assert [(f.code, f.severity) for f in loading.report] == [("DATA002", Severity.NOTE)]
    assert loading.tables[0].rows == 1


def test_parquet(worker: DbtWorker, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    file = tmp_path / "data" / "orders.parquet"
    seen = "timestamptz '2024-01-01 01:00:00+01' as seen, date '2024-01-02' as day"
    row = f"select 1 as id, 'a' as name, 1.5 as price, {seen}"
    worker.sql(tmp_path / "other.duckdb", [f"copy ({row}) to '{file}' (format parquet)"])
    loading = load(worker, tmp_path)
    assert not list(loading.report)
    rows = worker.sql(tmp_path / "shop.duckdb", [SHOWN])[0].rows
    assert rows == (("1", "a", "1.50", "2024-01-01 00:00:00", "2024-01-02"),)
    file.write_text("no parquet")
    (finding,) = load(worker, tmp_path).report
    assert finding.code == "DATA006"
    assert "is not Parquet" in finding.message


LOADED_AT = ORDERS.replace(
    "        columns:\n",
    "        loaded_at: _loaded_at\n        columns:\n"
    "          - {name: _loaded_at, type: timestamp, nullable: false}\n",
)


def test_the_load_time_moves_with_the_content_only(worker: DbtWorker, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    file = tmp_path / "data" / "orders.csv"

    def loaded_at(content: str, hour: int) -> str:
        file.write_text(content)
        loading = load(worker, tmp_path, LOADED_AT, NOON.replace(hour=hour))
        assert not list(loading.report)
        ask = "select distinct _loaded_at::varchar from raw.orders"
        ((found,),) = worker.sql(tmp_path / "shop.duckdb", [ask])[0].rows
        return str(found)

    one, two = "id,name,price,seen,day\n1,a,1,,\n", "id,name,price,seen,day\n1,b,1,,\n"
    assert loaded_at(one, 12) == "2026-01-01 12:00:00"
    assert loaded_at(one, 13) == "2026-01-01 12:00:00"
    assert loaded_at(two, 14) == "2026-01-01 14:00:00"
    assert loaded_at(one, 15) == "2026-01-01 15:00:00"
    assert loaded_at(two, 1) > "2026-01-01 15:00:00"  # a clock that went back


def test_a_load_time_that_the_file_has_is_taken_from_it(worker: DbtWorker, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "orders.csv").write_text(
        "id,name,price,seen,day,_loaded_at\n1,a,1,,,2020-01-01\n"
    )
    assert not list(load(worker, tmp_path, LOADED_AT).report)
    ask = "select _loaded_at::varchar from raw.orders"
    rows = worker.sql(tmp_path / "shop.duckdb", [ask])[0].rows
    assert rows == (("2020-01-01 00:00:00",),)


def test_tables_of_an_earlier_run_are_replaced(worker: DbtWorker, tmp_path: Path) -> None:
    database = tmp_path / "shop.duckdb"
    worker.sql(
        database, ["create schema raw", "create table raw.orders as select 99 as id, 'old' as gone"]
    )
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "orders.csv").write_text("id,name,price,seen,day\n1,a,1,,\n")
    load(worker, tmp_path)
    assert worker.sql(database, ["select * from raw.orders"])[0].columns == (
        "id", "name", "price", "seen", "day",
    )  # fmt: skip


def test_one_bad_file_does_not_hide_another(worker: DbtWorker, tmp_path: Path) -> None:
    text = ORDERS + (
        "      - name: items\n"
        "        columns: [{name: id, type: bigint}, {name: n, type: bigint}]\n"
    )
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "orders.csv").write_text("id,name,price,seen,day\n1,a\n")
    (tmp_path / "data" / "items.csv").write_text("id,n\n1,x\n")
    found = {(f.code, f.subject) for f in load(worker, tmp_path, text).report}
    assert found == {("DATA006", "orders"), ("DATA003", "items.n")}


def test_without_a_file_rows_are_made_up_and_said_to_be(worker: DbtWorker, tmp_path: Path) -> None:
    loading = load(worker, tmp_path)
    (finding,) = loading.report
    assert (finding.code, finding.severity) == ("DATA008", Severity.WARNING)
    assert finding.location is not None
    assert finding.location.line == 7
    assert loading.made_up
    ask = "select count(*), count(distinct id), count(name) < count(*) from raw.orders"
    assert worker.sql(tmp_path / "shop.duckdb", [ask])[0].rows == ((8, 8, True),)


def test_a_schema_may_be_called_like_a_catalog_of_duckdb(worker: DbtWorker, tmp_path: Path) -> None:
    loading = load(worker, tmp_path, ORDERS + "schemas: {raw: temp}\n")
    assert loading.report.ok
    rows = worker.sql(tmp_path / "shop.duckdb", ['select count(*) from shop."temp".orders'])[0].rows
    assert rows == ((8,),)


def test_a_type_that_is_none(worker: DbtWorker, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "orders.csv").write_text("id,name,price,seen,day\n1,a,1,,\n")
    (finding,) = load(worker, tmp_path, ORDERS.replace("type: date}", "type: dat}")).report
    assert finding.code == "DATA010"
    assert "orders.day" in finding.message
