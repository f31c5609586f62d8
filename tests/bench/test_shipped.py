"""The tests that dbt makes of a generated project, held against faults in our rendering of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.proved import prove
from bench.proving import noticed
from bench.shipped import with_tests
from tests.tools.verify.proof.compiled import case_of
from tests.tools.verify.specs import spec

TEXT = """
pipeline: tiny
version: 1.0.0
owner: me
description: One model.
dialect: duckdb
sources:
  - name: shop
    system: postgres
    connection: env:DSN
    tables:
      - name: t
        columns:
          - {name: id, type: integer, nullable: false}
          - {name: n, type: integer}
        primary_key: [id]
models:
  - name: m
    layer: staging
    grain: [id]
    from: shop.t
    columns:
      - {name: id, type: integer, nullable: false}
      - {name: n, type: integer, expr: "coalesce({n}, 3) + 1", nullable: false}
    examples:
      - name: one_more
        given: {shop.t: [{id: 1, n: 5}]}
        expect: [{id: 1, n: 6}]
"""


@pytest.mark.slow
def test_the_tests_of_the_project_are_counted_beside_the_proof(tmp_path: Path) -> None:
    loaded = spec(TEXT, tmp_path)
    plain = case_of(loaded.spec)
    case = with_tests(plain, loaded)
    assert {t.name for t in case.compiled.tests if t.model == "m"} >= {
        "not_null_m_id",
        "unique_m_id",
    }
    unit, below = case.compiled.unit("m"), case.compiled.units[0]
    assert unit is not None
    assert any(unit.relation in t.sql for t in case.compiled.tests)
    (example,) = case.compiled.unit_tests
    assert set(example.given) <= {below.relation, *case.compiled.sources}
    row, every = noticed([prove(case, loaded, "m")], "tiny").rows
    assert row[0] == "m"
    faults, seen = int(row[1]), int(row[2])
    assert 2 <= seen < faults  # the example has no row that shows the default
    assert every[1:] == row[1:]
    alone = noticed([prove(plain, loaded, "m")], "tiny").rows[0]
    assert alone[1:3] == (row[1], "0")
