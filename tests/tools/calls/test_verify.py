"""A pipeline's code is held against its spec: findings first, then what each tier said."""

from __future__ import annotations

import shutil
from typing import Any

import pytest

from tests.tools.calls.test_specs import PATH, SPEC
from tools.catalog import catalog
from tools.desk import Desk
from tools.generate.base import generate
from tools.plan import make_plan
from tools.spec.load import parse_spec
from tools.workspace import Workspace

MODEL = "generated/dbt/models/marts/orders.sql"


@pytest.fixture
def made(office: Any) -> Any:
    place = office.put(PATH, SPEC)
    loaded = parse_spec(SPEC, path=PATH, file=place)
    for artifact in generate(make_plan(loaded.spec, loaded.digest), loaded.spec):
        office.put(artifact.path, artifact.content)
    return office


def test_there_is_no_code_yet(office: Any) -> None:
    office.put(PATH, SPEC)
    assert "there is no code of orders" in office.error("verify", path=PATH)


def test_a_finding_of_the_first_tier_costs_no_build(made: Any) -> None:
    place = made.root / MODEL
    place.write_text(place.read_text().replace("order_id", "ordr_id", 1))
    result = made.result("verify", path=PATH)
    assert result.is_error
    first, *_ = result.text.splitlines()
    assert first.startswith(f"{MODEL}:")
    assert "ordr_id" in first
    assert "static: FAILED" in result.text
    assert "not run: build: the static tier has errors" in result.text


@pytest.mark.slow
def test_code_that_does_something_else_is_found_by_the_oracle(made: Any) -> None:
    text = made.call("verify", path=PATH)
    assert "oracle: ok, 2 of 2 columns as the spec says" in text
    assert "8 rows were made up" in text
    place = made.root / MODEL
    place.write_text(place.read_text().replace("lower(", "upper("))
    result = made.result("verify", path=PATH)
    assert result.is_error
    assert "status" in result.text.splitlines()[0]


@pytest.mark.slow
def test_data_in_the_checkout_are_found_from_a_work_tree_in_it(made: Any) -> None:
    tree = made.root / ".specmill" / "work" / "orders"
    for name in ("specs", "generated"):
        shutil.copytree(made.root / name, tree / name)
    made.put("specs/data/order.csv", "order_id,status,email\n1,NEW,ana@example.org\n2,OLD,\n")
    desk = Desk(tree, Workspace(made.root), tree / ".specmill" / "outputs")
    verify, query = catalog()["verify"], catalog()["query"]
    try:
        text = verify.call(desk, {"path": PATH}).text
        rows = query.call(desk, {"sql": 'from raw."order"', "pipeline": "orders"}).text
    finally:
        for extra in desk.extras.values():
            getattr(extra, "close", str)()
    assert "made up" not in text
    assert "oracle: ok" in text
    assert "***" in rows
