"""Real dbt projects without a spec: what is shown of them; nothing of theirs is touched."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from tools.errors import UsageError
from tools.verify.project.report import ModelReport, ProjectReport
from tools.verify.project.verify import verify_project
from tools.verify.worker import DbtWorker

CASES = Path(__file__).parent / "cases"
DATABASE = """
create schema raw;
create table raw.orders (order_id bigint, customer_id integer, status varchar,
                         amount_cents integer, ordered_at timestamp);
create table raw.customers (customer_id varchar, country varchar, name varchar);
insert into raw.orders values (1, 1, 'paid', 100, '2024-01-01');
"""


@pytest.fixture
def project_worker(tmp_path: Path) -> Iterator[DbtWorker]:
    with DbtWorker(tmp_path / "state", timeout=120) as worker:
        yield worker


def digest(folder: Path) -> dict[str, str]:
    """Every file of a folder by its content; folders too."""
    return {
        str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
        if p.is_file()
        else ""
        for p in folder.rglob("*")
    }


def verified(
    folder: Path, scratch: Path, worker: DbtWorker, *select: str, level: str = "quick"
) -> ProjectReport:
    return verify_project(
        folder, scratch=scratch, worker=worker, select=select, level=level,
        seconds=3000, progress=lambda _: None,
    )  # fmt: skip


def by_name(report: ProjectReport) -> dict[str, ModelReport]:
    return {m.name: m for m in report.models}


def kinds(model: ModelReport) -> dict[str, str]:
    return {c.name: c.kind for c in model.claims}


@pytest.mark.slow
def test_a_project_with_a_database_is_read_and_never_written(
    tmp_path: Path, project_worker: DbtWorker
) -> None:
    folder = tmp_path / "shop"
    shutil.copytree(CASES / "shop", folder)
    with duckdb.connect(str(folder / "shop.duckdb")) as connection:
        connection.execute(DATABASE)
    before = digest(folder)
    report = verified(folder, tmp_path / "scratch", project_worker, level="full")
    assert digest(folder) == before
    models = by_name(report)
    assert next(iter(models)) == "stg_orders"
    assert dict(models["stg_orders"].types) == {"raw.orders": "database"}
    assert dict(models["fct_orders"].types)["main.countries"] == "seed file"
    for name in ("stg_orders", "fct_orders"):
        assert kinds(models[name])["runs"] == "TESTED"
        assert kinds(models[name])["same when run again"] == "TESTED"
    assert all(kinds(m)["values"] == "UNVERIFIED" for m in models.values())
    assert all(c.kind == "UNVERIFIED" for m in models.values() for c in m.columns)
    assert "ephemeral" in models["stg_customers"].claims[0].reason

    # ties in the order of a window, an append without a key, a filter that is right
    assert kinds(models["latest"])["same when run again"] == "REFUTED"
    assert kinds(models["events"])["same loaded twice"] == "REFUTED"
    assert kinds(models["daily"])["same loaded twice"] == "TESTED"
    assert kinds(models["daily"])["incremental = full refresh"] == "TESTED"
    assert kinds(models["daily"])["late rows"] == "REFUTED"
    assert {f.code for f in report.report.errors} == {"PROJ012", "PROJ013"}
    assert {f.subject for f in report.report.errors} == {"events"}
    assert not report.ok

    fct = models["fct_orders"].strength
    assert fct is not None
    assert fct.killed > 20
    assert (fct.rate or 0) > 0.9
    assert 0 < (fct.shipped_rate or 0) < 0.5
    sizes = {c.name: c for c in models["fct_orders"].columns}
    assert sizes["size"].changed_by >= sizes["size"].noticed
    assert any("cancelled_do_not_count" in text for text in models["fct_orders"].not_run)
    assert report.to_json()["needs_spec"]


@pytest.mark.slow
def test_whatever_is_wrong_with_one_model_the_others_are_tried(
    tmp_path: Path, project_worker: DbtWorker
) -> None:
    report = verified(CASES / "odd", tmp_path / "scratch", project_worker)
    models = by_name(report)
    reasons = {n: m.claims[0].reason for n, m in models.items()}
    assert kinds(models["divides"])["runs"] == "TESTED"
    assert kinds(models["clock"])["runs"] == "TESTED"
    assert any("clock stands" in text for text in models["clock"].not_run)
    assert kinds(models["reads_py"])["runs"] == "TESTED"
    assert "another value each time" in reasons["dice"]
    assert "spatial extension" in reasons["needs_spatial"]
    assert "longer than" in reasons["forever"]
    assert "Python model" in reasons["py"]
    assert "cannot be rendered" in reasons["broken"]
    assert "undefined_macro" in reasons["undefined"]
    assert "dbt_utils" in reasons["pack"]
    assert "no columns are known" in reasons["reads_broken"]
    assert "cannot be read as DuckDB's" in reasons["not_sql"]
    assert "file system" in reasons["reads_file"]
    assert {m.claims[-1].reason for m in models.values()} == {"needs a spec"}
    found = {(f.code, f.subject) for f in report.report.errors}
    assert found == {("PROJ002", n) for n in ("broken", "undefined", "pack")}
    assert any("no profile" in note for note in report.notes)
    assert any("dbt deps" in f.message for f in report.report)


@pytest.mark.slow
def test_a_model_that_is_not_there(tmp_path: Path, project_worker: DbtWorker) -> None:
    with pytest.raises(UsageError, match="no model nothing"):
        verified(CASES / "shop", tmp_path / "scratch", project_worker, "nothing")


def test_a_folder_without_a_project(tmp_path: Path, project_worker: DbtWorker) -> None:
    with pytest.raises(UsageError, match="no dbt project"):
        verified(tmp_path, tmp_path / "scratch", project_worker)
