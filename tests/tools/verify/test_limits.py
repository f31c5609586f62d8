"""Queries that never end: their model fails, says so, and holds nothing else up."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.tools.verify.generated import write
from tools.rules.article import Constitution
from tools.verify.outcome import Outcome
from tools.verify.properties import check_properties
from tools.verify.replies import Rows, Statement
from tools.verify.results import Project
from tools.verify.runner import verify
from tools.verify.worker import DbtWorker, QueryTooLong

pytestmark = pytest.mark.slow  # a real dbt, and queries that run until they are stopped

SHOP = (Path(__file__).parent / "cases" / "shop.yaml").read_text()
TODAY = dt.date(2026, 6, 1)
NOW = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
SECONDS = 1.0
JOIN = "range(3000000) a, range(3000000) b, range(3000000) c where a.range + b.range + c.range < 0"
RECURSION = "(with recursive r as (select 1 as k union all select -k from r) select * from r) q"
TABLE = "{{ config(materialized='table') }}\n"


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DbtWorker]:
    """A worker that gives queries a second."""
    state = tmp_path_factory.mktemp("hasty")
    with DbtWorker(state, timeout=120, query_seconds=SECONDS) as worker:
        yield worker


def add(project: Path, name: str, sql: str) -> None:
    (project / "models" / f"{name}.sql").write_text(sql)


@pytest.mark.parametrize("endless", [JOIN, RECURSION], ids=["join", "recursion"])
def test_a_table_that_never_ends_fails_alone(
    hasty: DbtWorker, project: Path, database: Path, endless: str
) -> None:
    add(project, "endless", f"{TABLE}select 1 as id from {endless}\n")
    add(project, "above", "select id from {{ ref('endless') }}\n")
    began = time.monotonic()
    run = hasty.dbt(["build"], project=project, database=database)
    assert time.monotonic() - began < 30
    status = {run.nodes[r["unique_id"]]["name"]: r["status"] for r in run.results}
    assert status == {
        "first": "success", "second": "success", "endless": "error", "above": "skipped"
    }  # fmt: skip
    said = next(r["message"] for r in run.results if r["status"] == "error")
    assert "the query took longer than 1 seconds and was stopped" in said
    assert "query_seconds" in said
    assert hasty.sql(database, ["select id from second"])[0].rows == ((1,),)


def test_the_tests_of_a_view_that_never_ends_take_less_and_less(
    hasty: DbtWorker, project: Path, database: Path
) -> None:
    names = [f"c{n}" for n in range(20)]
    shown = ", ".join(f"q.k as {n}" for n in names)
    add(project, "endless", f"select {shown} from {RECURSION}\n")
    tests = "".join(f"      - {{name: {n}, tests: [not_null]}}\n" for n in names)
    text = f"models:\n  - name: endless\n    columns:\n{tests}"
    (project / "models" / "endless.yml").write_text(text)
    began = time.monotonic()
    run = hasty.dbt(["build"], project=project, database=database)
    late = [r for r in run.results if "took longer than" in (r["message"] or "")]
    assert len(late) == len(names)
    assert time.monotonic() - began < len(names) * SECONDS / 2  # dbt has two threads
    again = hasty.dbt(["run"], project=project, database=database)
    assert again.success, again  # what one command took is not held against the next


def test_a_statement_that_never_ends_is_told_apart(hasty: DbtWorker, database: Path) -> None:
    with pytest.raises(QueryTooLong, match="took longer than 1 seconds"):
        hasty.sql(database, ["create table t as select 1 as id", f"select count(*) from {JOIN}"])
    assert hasty.sql(database, ["select id from t"])[0].rows == ((1,),)


def verified(worker: DbtWorker, root: Path, file: str, old: str, new: str) -> Outcome:
    """A verification of the shop, one file of which is changed."""
    generated = write(SHOP, root, {file: lambda sql: sql.replace(old, new)})
    return verify(
        generated.subject, constitution=Constitution("constitution"), worker=worker,
        progress=lambda _: None, today=TODAY, now=NOW,
    )  # fmt: skip


def test_a_verification_names_the_file_and_builds_the_rest(
    hasty: DbtWorker, tmp_path: Path
) -> None:
    old, new = "from incoming\n", f"from incoming cross join (select 1 from {JOIN}) as q\n"
    outcome = verified(hasty, tmp_path, "marts/all_events.sql", old, new)
    (error,) = outcome.report.errors
    assert (error.code, error.subject) == ("DBT001", "all_events")
    assert error.location is not None
    assert error.location.path.endswith("models/marts/all_events.sql")
    assert "took longer than 1 seconds" in error.message
    built = {n.name for n in outcome.nodes if n.kind == "model" and n.status == "success"}
    assert {"stg_customer", "dim_order", "customer_orders"} <= built


class Late(DbtWorker):
    """A worker for which every statement takes too long."""

    def sql(
        self, database: Path, statements: Sequence[Statement], *, timeout: float | None = None
    ) -> tuple[Rows, ...]:
        raise QueryTooLong("the query took longer than 1 seconds\ndo less", "from marts.dim_order")


def test_what_never_ends_in_the_properties_is_a_finding(tmp_path: Path) -> None:
    made = write(SHOP, tmp_path)
    found = check_properties(
        made.loaded, made.artifacts, project=Project(made.project, "generated/dbt"),
        database=made.database, worker=Late(tmp_path), now=NOW, level="quick", others={},
        progress=lambda _: None,
    )  # fmt: skip
    (finding,) = found.findings
    assert (finding.code, finding.subject, finding.hint) == ("PRO011", "dim_order", "do less")
    assert finding.message == "dim_order cannot be looked at: the query took longer than 1 seconds"
    assert finding.location is not None
