from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.verify.worker import DbtWorker


@pytest.fixture(scope="session")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DbtWorker]:
    """One warm dbt for all tests of the session."""
    with DbtWorker(tmp_path_factory.mktemp("worker"), timeout=120) as started:
        yield started


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A dbt project of two models, hand-written."""
    root = tmp_path / "project"
    (root / "models").mkdir(parents=True)
    (root / "dbt_project.yml").write_text(
        "name: tiny\nversion: '1.0'\nconfig-version: 2\nprofile: tiny\n"
        "model-paths: [models, ../custom/models]\n"
    )
    (root / "profiles.yml").write_text(
        "tiny:\n  target: dev\n  outputs:\n    dev:\n      type: duckdb\n"
        "      path: \"{{ env_var('SPECMILL_DUCKDB_PATH') }}\"\n      threads: 2\n"
    )
    (root / "models" / "first.sql").write_text(
        'select 1 as id, \'{{ var("batch_at", "never") }}\' as batch\n'
    )
    (root / "models" / "second.sql").write_text(
        "{{ config(materialized='table') }}\nselect id, batch from {{ ref('first') }}\n"
    )
    return root


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Where a test's database goes; the folder does not exist yet."""
    return tmp_path / "state" / "tiny.duckdb"
