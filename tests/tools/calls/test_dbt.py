"""dbt runs warm and confined; what went wrong comes first, with its place."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tools.calls.test_query import PROFILES, PROJECT
from tools import confine
from tools.verify.worker import DbtWorker

pytestmark = pytest.mark.slow


@pytest.fixture
def shop(office: Any) -> Any:
    office.put("dbt_project.yml", PROJECT)
    office.put("profiles.yml", PROFILES)
    office.put("seeds/raw.csv", "id,amount\n1,10\n2,20\n2,5\n")
    office.put(
        "models/total.sql", "select id, sum(amount) as total\nfrom {{ ref('raw') }} group by id\n"
    )
    office.put(
        "models/total.yml",
        "models:\n  - name: total\n    columns:\n      - name: id\n        data_tests: [unique]\n",
    )
    return office


def test_a_project_is_built_tested_shown_and_mended(shop: Any) -> None:
    result = shop.result("dbt", command="build")
    assert not result.is_error
    assert "model total: success\n1 tests pass\n[dbt ok: 3 nodes, 0 bad" in result.text
    assert (shop.root / "dev.duckdb").is_file()
    assert "shop.total" in shop.call("dbt", command="ls", select="total")
    assert 'from "dev"."main"."raw" group by id' in shop.call(
        "dbt", command="compile", select="total"
    )
    rows = shop.call("dbt", command="show", select="total", limit=5)
    assert "[2 rows]" in rows
    assert "25" in rows
    assert "25" in shop.call("query", sql="select total from total where id = 2")

    shop.put("models/total.sql", "select id, amount as total from {{ ref('raw') }}\n")
    result = shop.result("dbt", command="build", select="total")
    assert result.is_error
    assert result.text.startswith("models/total.yml:")
    assert "unique" in result.text.splitlines()[0]
    shop.put("models/total.sql", "select id, amonut as total from {{ ref('raw') }}\n")
    result = shop.result("dbt", command="run", select="total")
    assert result.text.startswith("models/total.sql: error DBT001 total does not build")
    assert "amonut" in result.text.splitlines()[0]
    shop.put("models/total.sql", "select * from {{ reff('raw') }}\n")
    assert "reff" in shop.call("dbt", command="build")


def test_calls_that_mean_nothing(shop: Any) -> None:
    assert "no options" in shop.error("dbt", command="build", select="--full-refresh")
    assert "needs the name" in shop.error("dbt", command="show")
    assert "0 are selected" in shop.error("dbt", command="show", select="nope")
    assert "[nothing is selected]" in shop.call("dbt", command="ls", select="nope")


@pytest.mark.skipif(bool(confine.why_not()), reason=confine.why_not() or "it works")
def test_code_of_the_project_stays_in_the_tree(shop: Any) -> None:
    shop.put("tests/a.sql", "select 1 as x where false\n")
    outside = shop.root.parent / "secret.csv"
    outside.write_text("word\nhunter2\n")
    shop.desk.refuses = lambda path: "a test" if path.startswith("tests/") else ""
    shop.put(
        "models/evil.py",
        "def model(dbt, session):\n"
        "    import pathlib\n"
        f"    root = pathlib.Path({str(shop.root)!r})\n"
        "    said = []\n"
        "    for place in (root / 'tests/a.sql', root.parent / 'x', pathlib.Path('/usr/x')):\n"
        "        try:\n"
        "            place.write_text('select 1')\n"
        "            said.append('wrote')\n"
        "        except OSError:\n"
        "            said.append('refused')\n"
        f"    said.append(str(pathlib.Path({str(outside)!r}).exists()))\n"
        "    return session.sql(f\"select '{' '.join(said)}' as said\")\n",
    )
    shop.call("dbt", command="run", select="evil")
    assert (shop.root / "tests/a.sql").read_text() == "select 1 as x where false\n"
    assert not (shop.root.parent / "x").exists()
    # What it wrote beside the tree went into a folder of the cage, which is gone with it.
    assert "refused wrote refused False" in shop.call("query", sql="select said from evil")


def test_the_person_stops_it_and_the_next_call_works(shop: Any) -> None:
    shop.put(
        "models/slow.sql",
        "select count(*) as n from range(10000000000) a, range(100000) b\n"
        "where a.range % 7 = b.range",
    )
    shop.call("dbt", command="ls")
    warm = shop.desk.extras[f"dbt:{shop.root}"]
    assert isinstance(warm, DbtWorker)
    shop.desk.cancel.set()
    assert shop.error("dbt", command="run", select="slow") == "stopped by the person"
    shop.desk.cancel.clear()
    assert "total" in shop.call("dbt", command="ls", select="total")
