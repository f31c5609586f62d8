"""The main job on real input: specs of this project, and a bare spec in the short form."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.agent.support import REPO, git, lines, start

pytestmark = pytest.mark.slow

BARE = """
pipeline_spec:
  source:
    system: mysql
    table: order
  transformation:
    logic:
      - load_strategy: scd2
  target:
    platform: snowflake
    table: dim_sale
  validation:
    primary_key: sale_id
"""


def ran(root: Path, *args: str) -> dict[str, Any]:
    """The result event of a run that ended well."""
    process = start("run", *args, "--json", cwd=root)
    out, said = process.communicate(timeout=600)
    assert process.returncode == 0, said + out[-3000:]
    return lines(out)[-1]


def rows(root: Path, pipeline: str, text: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(root / f".specmill/db/{pipeline}.duckdb"), read_only=True) as db:
        return db.execute(text).fetchall()


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository that holds nothing yet."""
    root = tmp_path / "empty"
    git(tmp_path, "init", "--quiet", str(root))
    monkeypatch.chdir(root)
    return root


def test_a_bare_spec_keeps_a_history(empty: Path) -> None:
    (empty / "short.yaml").write_text(BARE)
    data = empty / "data" / "order.csv"
    data.parent.mkdir()
    first = "2026-01-01 00:00:00"
    before = f"sale_id,state,amount,_loaded_at\n1,new,10.5,{first}\n2,new,20,{first}\n"
    after = before.replace("1,new,10.5,2026-01-01", "1,paid,10.5,2026-01-05")
    late = before.replace("1,new,10.5,2026-01-01", "1,held,10.5,2026-01-03")
    history = "select sale_id, state, valid_from, valid_to from marts.dim_sale order by all"

    data.write_text(before)
    for _ in range(3):
        result = ran(empty, "short.yaml")
        assert len(rows(empty, "dim_sale", history)) == 2
    assert result["state"]["committed"] is False  # the same spec and data: nothing to commit
    asked = " ".join(q["message"] for q in result["questions"])
    assert "take effect" in asked
    assert "data/order.csv" in asked

    data.write_text(after)
    ran(empty, "short.yaml")
    changed = rows(empty, "dim_sale", history)
    assert len(changed) == 3
    assert sum(row[3] is not None for row in changed) == 1

    data.write_text(late)
    ran(empty, "short.yaml")
    data.write_text(before)  # replayed: everything in it is known already
    ran(empty, "short.yaml")
    found = [
        (row[1], row[2].day, row[3] and row[3].day) for row in rows(empty, "dim_sale", history)
    ]
    assert found == [("held", 3, 5), ("new", 1, 3), ("paid", 5, None), ("new", 1, None)]

    profiles = git(empty, "show", "specmill/dim_sale:generated/dbt/profiles.yml")
    assert "type: snowflake" in profiles


def test_the_specs_of_this_project_run(empty: Path) -> None:
    shutil.copytree(REPO / "specs", empty / "specs")
    names = sorted(p.name for p in (empty / "specs").glob("*.yaml"))
    assert len(names) >= 3
    for name in names:
        result = ran(empty, f"specs/{name}")
        failed = [n for n in result["state"]["outcome"]["nodes"] if n["status"] == "error"]
        assert not failed
    branches = git(empty, "branch", "--list", "specmill/*", "--format", "%(refname:short)").split()
    assert len(branches) == len(names)


def test_two_specs_read_one_source_and_share_its_files(empty: Path) -> None:
    shutil.copytree(REPO / "specs", empty / "specs")
    ran(empty, "specs/dim_order.yaml", "specs/customer_360.yaml")
    one = git(empty, "show", "specmill/dim_order:generated/dbt/dbt_project.yml")
    assert one == git(empty, "show", "specmill/customer_360:generated/dbt/dbt_project.yml")
