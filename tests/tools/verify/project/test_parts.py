"""The parts of it that need no dbt: profiles, types that fit, loads, columns followed down."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from tools.errors import InputError
from tools.sql.analyse import columns_in
from tools.sql.traced import frozen, trace
from tools.verify.dataset import Dataset, Table
from tools.verify.project.loads import steps
from tools.verify.project.place import open_place, read_profile
from tools.verify.project.tables import Relation, fill, traced_models

QUERY = """
with o as (select * from raw.orders), c as (select upper(country) as land, id from raw.customers)
select o.id, c.land, o.amount * 2 as twice, row_number() over (partition by o.id order by o.at) as n
from o left join c on o.customer_id = c.id
where o.status = 'paid' and current_date - o.born > 3
"""


def test_columns_are_followed_through_ctes_and_stars() -> None:
    traced = trace(QUERY, {})
    assert set(traced.found) == {
        ("raw.orders", "id"), ("raw.orders", "amount"), ("raw.orders", "at"),
        ("raw.orders", "customer_id"), ("raw.orders", "status"), ("raw.orders", "born"),
        ("raw.customers", "country"), ("raw.customers", "id"),
    }  # fmt: skip
    land = next(p for p in traced.parts if p.tree.sql() == "c.land")
    below = traced.inlined(land.at, land.tree)
    assert below is not None
    assert [(r.table, r.name) for r in columns_in(below)] == [("raw.customers", "country")]
    ((at, trees),) = traced.orders
    assert [traced.plain(at, t) for t in trees] == [("raw.orders", "id"), ("raw.orders", "at")]


def test_types_are_inferred_by_what_is_done() -> None:
    orders, customers = Relation("raw.orders"), Relation("raw.customers", {"id": "bigint"})
    customers.origin = "declared"
    fill([customers, orders], traced_models({"m": QUERY}, {}))
    assert orders.columns == {
        "amount": "decimal(18,2)", "at": "varchar", "born": "date", "customer_id": "bigint",
        "id": "integer", "status": "varchar",
    }  # fmt: skip
    assert orders.origin == "inferred"
    assert customers.origin == "declared and inferred"


def test_a_clock_can_be_stopped() -> None:
    assert frozen("select 1 as a", "2024-01-10") is None
    text = frozen("select now() as a, current_date as b", "2024-01-10 12:00:00")
    assert text is not None
    assert text.count("2024-01-10 12:00:00") == 2


@pytest.mark.parametrize(
    ("profile", "platform", "schema"),
    [
        ("{type: snowflake, account: x, schema: PROD}", "snowflake", "PROD"),
        ("{type: bigquery, dataset: d}", "bigquery", "d"),
        ("{type: duckdb, path: ':memory:'}", "duckdb", "main"),
        ("{type: duckdb, path: \"{{ env_var('NOWHERE_SET', 'md:x') }}\"}", "duckdb", "main"),
    ],
)
def test_profiles(tmp_path: Path, profile: str, platform: str, schema: str) -> None:
    (tmp_path / "profiles.yml").write_text(f"p: {{target: dev, outputs: {{dev: {profile}}}}}\n")
    found = read_profile(tmp_path, {"profile": "p"})
    assert (found.platform, found.schema, found.database) == (platform, schema, None)
    assert bool(found.note) == (platform != "duckdb")


def test_a_database_beside_the_project(tmp_path: Path) -> None:
    text = "p: {target: dev, outputs: {dev: {type: duckdb, path: a/b.duckdb}}}\n"
    (tmp_path / "profiles.yml").write_text(text)
    assert read_profile(tmp_path, {"profile": "p"}).database == tmp_path / "a" / "b.duckdb"


@pytest.mark.parametrize("text", ["a: [", "- x\n", "\t"])
def test_a_project_file_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "dbt_project.yml").write_text(text)
    with pytest.raises(InputError, match=r"dbt_project\.yml"):
        open_place(tmp_path, tmp_path / "scratch")


def rows(*days: int | None) -> Dataset:
    columns = (("id", "integer"), ("at", "timestamp"))
    found = [(n, None if d is None else dt.datetime(2024, 1, d)) for n, d in enumerate(days)]
    return Dataset({"t": Table(columns, tuple(found))})


def test_loads_are_what_they_are_called() -> None:
    ways = {s.name: s for s in steps(("t", "at"))}
    again = ways["same loaded twice"].make(rows(1, 2))
    assert again is not None
    assert again[0] == again[1]
    later = ways["incremental = full refresh"].make(rows(3, 1, None, 5, 4))
    assert later is not None
    one, two = ([r[1].day for r in d.tables["t"].rows] for d in later)
    assert (one, two) == ([1, 3], [1, 3, 4, 5])
    late = ways["late rows"].make(rows(3, 10, 20))
    assert late is not None
    new = set(late[1].tables["t"].rows) - set(late[0].tables["t"].rows)
    assert [r[1] < dt.datetime(2024, 1, 3) for r in new] == [True]
    tie = ways["rows of the newest moment"].make(rows(3, 10, 20))
    assert tie is not None
    assert sorted(r[1].day for r in tie[1].tables["t"].rows) == [3, 20, 20]
    assert ways["incremental = full refresh"].make(rows(1, 1)) is None
    assert ways["late rows"].make(rows(None)) is None
