from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools.verify.specs import spec
from tools.verify.lineage import rounds, row_models, upstream_tables
from tools.verify.origins import Origin, Origins

SHOP = (Path(__file__).parent / "cases" / "shop.yaml").read_text()


@pytest.mark.parametrize(
    ("model", "column", "expected"),
    [
        ("dim_order", "status", [Origin("shop.order", "status")]),
        ("stg_customer", "name", [Origin("shop.customer", "name", plain=False)]),
        ("customer_orders", "name", [Origin("shop.customer", "name", plain=False)]),
        ("customer_orders", "customer_id", [Origin("shop.customer", "customer_id")]),
        (
            "customer_orders",
            "spent",
            [Origin("shop.order", "amount", plain=False, alone=False)],
        ),
        ("customer_orders", "no_such_column", []),
    ],
)
def test_where_columns_come_from(model: str, column: str, expected: list[Origin]) -> None:
    shop = spec(SHOP).spec
    found = shop.model_named(model)
    assert found is not None
    names = {o.column.lower() for o in Origins(shop).of(found, column)}
    if column == "no_such_column":
        assert names <= {"no_such_column"}
        return
    assert list(Origins(shop).of(found, column)) == expected


def test_a_measure_called_like_the_column_that_it_adds_up() -> None:
    text = SHOP + (
        "  - name: totals\n    from: shop.order\n    group_by: [customer_id]\n"
        "    aggregations: [{name: amount, expr: sum(amount)}]\n"
        "    columns: [{name: twice, expr: amount * 2}]\n"
    )
    shop = spec(text).spec
    totals = shop.model_named("totals")
    assert totals is not None
    weak = (Origin("shop.order", "amount", plain=False),)
    assert Origins(shop).of(totals, "amount") == weak
    assert Origins(shop).of(totals, "twice") == weak
    assert Origins(shop).of(totals, "customer_id") == (Origin("shop.order", "customer_id"),)


def test_models_of_other_specs() -> None:
    other = spec(
        "pipeline: other\nmodels:\n  - name: mine\n    from: stg_customer\n"
        "    columns: [{name: kind}, {name: customer_id}]\n"
    ).spec
    shop = spec(SHOP).spec
    others = {"stg_customer": shop}
    mine = other.models[0]
    assert Origins(other, others).of(mine, "customer_id") == (
        Origin("shop.customer", "customer_id"),
    )
    assert Origins(other).of(mine, "customer_id") == ()
    assert upstream_tables(other, mine, others) == {"shop.customer"}


def test_what_a_model_reads() -> None:
    shop = spec(SHOP).spec
    model = shop.model_named("customer_orders")
    assert model is not None
    assert upstream_tables(shop, model, {}) == {"shop.customer", "shop.order"}
    assert [m.name for m in row_models(shop, model)] == ["customer_orders", "stg_customer"]


def test_models_that_disturb_each_other_change_in_turn() -> None:
    orders, people = frozenset({"orders"}), frozenset({"people"})
    assert rounds([("a", "orders", orders), ("b", "people", people)]) == [["a", "b"]]
    assert rounds([("a", "orders", orders), ("b", "orders", orders)]) == [["a"], ["b"]]
    reads_both = ("b", "people", people | orders)
    assert rounds([("a", "orders", orders), reads_both]) == [["a"], ["b"]]
    assert rounds([]) == []
