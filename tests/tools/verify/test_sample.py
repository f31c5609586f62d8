from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools.verify.specs import spec
from tools.verify.sample import ROWS, Row, sample_rows
from tools.verify.sample_values import value_of

SHOP = (Path(__file__).parent / "cases" / "shop.yaml").read_text()


def rows(text: str = SHOP, digest: str = "00") -> dict[str, list[Row]]:
    return sample_rows([spec(text)], digest)


def test_the_same_digest_gives_the_same_rows() -> None:
    assert rows() == rows()
    assert rows(digest="01") != rows()


def test_keys_are_unique_and_joins_meet() -> None:
    made = rows()
    orders, customers = made["shop.order"], made["shop.customer"]
    assert len({r["order_id"] for r in orders}) == len(orders) == ROWS
    known = {r["customer_id"] for r in customers}
    assert len(known) == ROWS
    used = [r["customer_id"] for r in orders if r["customer_id"] is not None]
    assert len(set(used)) < len(used), "some customers have several orders"
    assert sum(u in known for u in used) >= len(used) - 1, "most orders have a customer"
    assert any(u not in known for u in used), "one has none"


def test_missing_values_only_where_they_may_be_missing() -> None:
    orders = rows()["shop.order"]
    assert any(r["note"] is None for r in orders)
    assert all(r["status"] is not None for r in orders)


def test_a_column_that_feeds_a_required_output_has_no_gaps() -> None:
    assert any(r["name"] is None for r in rows()["shop.customer"])
    required = SHOP.replace(
        'expr: "trim({name})", description: Name.', 'expr: "trim({name})", tests: [not_null]'
    )
    assert all(r["name"] is not None for r in rows(required)["shop.customer"])
    replaced = SHOP.replace(
        'expr: "trim({name})", description: Name.',
        "expr: \"coalesce({name}, '')\", tests: [not_null]",
    )
    assert any(r["name"] is None for r in rows(replaced)["shop.customer"])


def test_texts_that_expressions_compare_to_occur() -> None:
    made = rows()
    kinds = {r["kind"] for r in made["shop.customer"]}
    assert {"B", "P"} <= kinds
    assert kinds - {"B", "P"}, "and one that they do not know"
    assert "cancelled" in {r["status"] for r in made["shop.order"]}


def test_accepted_values_of_an_unchanged_column_are_the_only_ones() -> None:
    text = SHOP.replace(
        "- {name: status, type: varchar, nullable: false, description: State.}",
        "- {name: status, type: varchar, tests: [{accepted_values: [open, cancelled]}]}",
    )
    assert {r["status"] for r in rows(text)["shop.order"]} == {"open", "cancelled"}


def test_a_required_output_of_a_joined_table_finds_a_partner() -> None:
    text = SHOP.replace("expr: coalesce(orders.spent, 0)", "from: orders.spent")
    text = text.replace("cardinality: one_to_one", "cardinality: many_to_one")
    made = rows(text)
    ordered = {r["customer_id"] for r in made["shop.order"]}
    assert {r["customer_id"] for r in made["shop.customer"]} <= ordered


def test_partners_of_tables_with_real_rows() -> None:
    existing = {("shop.customer", "customer_id"): ["71", "72"]}
    orders = sample_rows([spec(SHOP)], "00", existing)["shop.order"]
    used = {r["customer_id"] for r in orders} - {None}
    assert {"71", "72"} <= used


def test_composite_keys() -> None:
    text = SHOP.replace("primary_key: [event_id]", "primary_key: [kind, event_id]")
    events = rows(text)["shop.event"]
    assert len({(r["kind"], r["event_id"]) for r in events}) == ROWS
    assert len({r["kind"] for r in events}) < ROWS


def test_change_feeds_have_their_operations() -> None:
    text = SHOP.replace(
        "        cursor: happened_at\n        extract: incremental\n",
        "        extract: cdc\n        operation: {column: kind, deleted: [gone]}\n",
    )
    assert {r["kind"] for r in rows(text)["shop.event"]} == {"I", "U", "gone"}


@pytest.mark.parametrize(
    ("name", "kind", "first"),
    [
        ("order_id", "bigint", "1"),
        ("rate", "decimal(3, 2)", "1.00"),
        ("ratio", "double", "1.0"),
        ("is_new", "boolean", "false"),
        ("day", "date", "2024-01-01"),
        ("seen_at", "timestamptz", "2024-01-01 09:00:00"),
        ("seen_at", "timestamp_ns", "2024-01-01 09:00:00"),
        ("tags", "varchar[]", "[]"),
        ("payload", "json", "{}"),
        ("customer_code", "varchar", "customer 1"),
        ("email", "varchar", "ann@example.com"),
    ],
)
def test_values_suit_their_type(name: str, kind: str, first: str) -> None:
    assert value_of(name, kind, 0) == first


@pytest.mark.parametrize("kind", ["bigint", "varchar", "date", "timestamp", "double", "uuid"])
@pytest.mark.parametrize("name", ["id", "email", "country_code"])
def test_keys_differ(name: str, kind: str) -> None:
    assert len({value_of(name, kind, n) for n in range(100)}) == 100


def test_amounts_fit_their_precision() -> None:
    assert {value_of("a", "decimal(2, 1)", n, key=False) for n in range(8)} <= {
        f"{i / 10:.1f}" for i in range(100)
    }
