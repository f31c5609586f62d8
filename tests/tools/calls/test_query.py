"""Rows are read by one select that can neither write, nor leave, nor show personal data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.tools.calls.test_specs import PATH, SPEC
from tools.calls import _rows

PROJECT = "name: shop\nversion: '1.0'\nprofile: shop\n"
PROFILES = "shop:\n  target: dev\n  outputs:\n    dev: {type: duckdb, path: dev.duckdb}\n"


@pytest.fixture
def base(office: Any) -> Path:
    office.put("dbt_project.yml", PROJECT)
    office.put("profiles.yml", PROFILES)
    office.put(PATH, SPEC)
    place = Path(office.root) / "dev.duckdb"
    with duckdb.connect(str(place)) as connection:
        connection.execute("create table orders as select 1 as id, 'ana@example.org' as email")
        connection.execute("insert into orders values (2, null), (3, 'bo@example.org')")
    return place


def test_rows_come_with_their_types(office: Any, base: Path) -> None:
    assert office.call(
        "query", sql="select id, id / 2 as x, null::date as y from orders limit 1;"
    ) == ("id (integer) | x (double) | y (date)\n1            | 0.5        | NULL\n[1 row]")


def test_few_rows_are_shown_and_it_is_said(office: Any, base: Path) -> None:
    text = office.call("query", sql="select * from range(1000) order by 1 desc", limit=2)
    assert text.splitlines()[1:] == ["999", "998", "[2 rows, and more]"]


WRITES = [
    "insert into orders values (9, 'x')",
    "delete from orders",
    "create table x as select 1",
    "copy orders to 'out.csv'",
    "attach 'other.duckdb'",
    "install httpfs",
    "pragma database_list",
    "set memory_limit = '9GB'",
    "select 1; drop table orders",
    "with x as (select 1) insert into orders select * from x",
    "export database 'x'",
    "",
    "not sql at all",
]


@pytest.mark.parametrize("sql", WRITES)
def test_only_one_select_is_run(office: Any, base: Path, sql: str) -> None:
    before = base.read_bytes()
    assert "one select is run, nothing else" in office.error("query", sql=sql)
    assert base.read_bytes() == before


LEAVES = [
    "select * from read_csv('/etc/passwd')",
    "select * from read_text('specs/orders.yaml')",
    "select * from 'dbt_project.yml'",
    "select * from glob('/*')",
    "select * from read_parquet('https://example.org/x')",
    "select * from query('drop table orders')",
    "select * from sniff_csv('/etc/passwd')",
]


@pytest.mark.parametrize("sql", LEAVES)
def test_a_query_does_not_leave_the_database(office: Any, base: Path, sql: str) -> None:
    assert office.error("query", sql=sql).startswith("the database says: ")


def test_personal_columns_are_hidden(office: Any, base: Path) -> None:
    text = office.call("query", sql="select * from orders order by id")
    assert "example.org" not in text
    assert text.splitlines()[1:] == [
        "1            | ***", "2            | NULL", "3            | ***",
        "[3 rows]", "[*** hides personal data]",
    ]  # fmt: skip
    assert "3" in office.call("query", sql="select count(email) + 1 as n from orders")


DISGUISES = [
    "select upper(email) as x from orders",
    "select orders from orders",
    "select e from (select email as e from orders)",
    "with a(e) as (select email from orders) select e from a",
    "select * rename (email as x) from orders",
    "select 'x' as a union all select email from orders",
    "select min(email) from orders",
    "select columns('em.*') from orders",
    "select list(email) as emails from orders",
]


@pytest.mark.parametrize("sql", DISGUISES)
def test_personal_data_in_disguise_is_not_shown(office: Any, base: Path, sql: str) -> None:
    assert "could show personal data" in office.error("query", sql=sql)


def test_an_error_of_the_database_is_told(office: Any, base: Path) -> None:
    assert 'Candidate bindings: "id"' in office.error("query", sql="select idd from orders")


def test_a_slow_query_is_stopped(office: Any, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_rows, "SECONDS", 2.0)
    sql = "select count(*) from range(10000000000) a, range(1000000) b where a.range % 7 = b.range"
    assert "took longer than 2 s" in office.error("query", sql=sql)
    office.desk.cancel.set()
    assert "stopped by the person" in office.error("query", sql=sql)


def test_there_is_no_database_yet(office: Any, base: Path) -> None:
    base.unlink()
    assert "not there yet" in office.error("query", sql="select 1")
    assert not base.exists()


def test_a_profile_cannot_name_a_database_elsewhere(office: Any, base: Path) -> None:
    other = base.parents[1] / "other.duckdb"
    base.rename(other)
    for path in (str(other), "../other.duckdb", "link.duckdb"):
        office.put("profiles.yml", PROFILES.replace("dev.duckdb", path))
        if path == "link.duckdb":
            (office.root / path).symlink_to(other)
        assert "outside of the work tree" in office.error("query", sql="select 1")


def test_it_has_to_be_clear_which_database(office: Any) -> None:
    assert "no dbt project" in office.error("query", sql="select 1")
    office.put("a/dbt_project.yml", PROJECT)
    office.put("b/dbt_project.yml", PROJECT)
    assert "a, b" in office.error("query", sql="select 1")
    office.put("a/profiles.yml", PROFILES.replace("duckdb, path", "snowflake, account"))
    assert "on DuckDB only" in office.error("query", sql="select 1", project="a")
    office.put("a/profiles.yml", PROFILES.replace("shop:", "other:"))
    assert "profile cannot be read" in office.error("query", sql="select 1", project="a")
    office.put("c/x.sql", "x")
    assert "holds no dbt_project.yml" in office.error("query", sql="select 1", project="c")
