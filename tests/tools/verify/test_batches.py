from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from tests.tools.verify.specs import spec
from tools.verify.batches import BATCHES, Script, orders, script_of
from tools.verify.history import History, Removal, history_of

SHOP = (Path(__file__).parent / "cases" / "shop.yaml").read_text()
START = dt.datetime(2026, 1, 2)
SEEN = dt.datetime(2026, 3, 1)
KINDS = {
    "order_id": "BIGINT", "customer_id": "BIGINT", "status": "VARCHAR", "note": "VARCHAR",
    "amount": "DECIMAL(10,2)", "updated_at": "TIMESTAMP", "version": "BIGINT", "gone": "BOOLEAN",
    "op": "VARCHAR",
}  # fmt: skip


def history(text: str = SHOP) -> History | str:
    loaded = spec(text)
    model = loaded.spec.model_named("dim_order")
    assert model is not None
    return history_of(loaded, model, {})


def known(text: str = SHOP) -> History:
    found = history(text)
    assert isinstance(found, History), found
    return found


def script(text: str = SHOP, keys: int = 8) -> Script:
    rows = [
        {"order_id": str(n), "status": "open" if n % 2 else "paid", "note": None, "amount": "1.00"}
        for n in range(keys)
    ]
    shown = [{"status": r["status"]} for r in rows]
    return script_of(known(text), rows, shown, KINDS, START)


def test_what_drives_a_history() -> None:
    found = known()
    assert (found.source, found.key, found.effective) == ("shop.order", ("order_id",), "updated_at")
    assert found.sequence == ("version",)
    assert [e.column for e in found.edits] == ["status", "note", "amount"]
    assert found.by_absence
    assert found.ordered_by_event


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("{name: order_id, type: bigint, nullable: false, description: Number.}",
         "{name: order_id, type: bigint, expr: order_id + 1}", "its key order_id is computed"),
        ("{name: updated_at, type: timestamp, nullable: false, description: When.}",
         "{name: updated_at, type: timestamp, expr: updated_at + interval 1 day}",
         "its event time updated_at is computed"),
        ("track: [status, note, amount]", "track: [updated_at]",
         "none of its tracked columns can be changed"),
        ("from: shop.order\n", "from: elsewhere\n", "which another spec makes"),
    ],
)  # fmt: skip
def test_why_a_history_cannot_be_put_under_changes(old: str, new: str, reason: str) -> None:
    assert old in SHOP
    found = history(SHOP.replace(old, new, 1))
    assert isinstance(found, str)
    assert reason in found


def test_a_late_row_that_is_ignored_and_no_event_time_make_order_matter() -> None:
    late = SHOP.replace(
        "effective_at: updated_at\n", "effective_at: updated_at\n      late: ignore\n"
    )
    assert not known(late).ordered_by_event
    assert not known(SHOP.replace("      effective_at: updated_at\n", "")).ordered_by_event


@pytest.mark.parametrize(
    ("predicate", "removal"),
    [
        ("gone", Removal("gone", "true", "false")),
        ("{gone} = true", Removal("gone", "true", "false")),
        ("gone is true", Removal("gone", "true", "false")),
        ("status = 'deleted'", Removal("status", "deleted", "")),
        ("status <> 'open'", None),
        ("status = 'a' or note = 'b'", None),
        ("amount < 0", None),
    ],
)
def test_deletions_that_a_row_carries(predicate: str, removal: Removal | None) -> None:
    text = SHOP.replace(
        "deletes: {how: absence, max_ratio: 0.2}",
        f'deletes: {{how: predicate, predicate: "{predicate}"}}',
    ).replace(
        "- {name: version, type: bigint",
        "- {name: gone, type: boolean}\n          - {name: version, type: bigint",
    )
    found = known(text)
    assert found.removal == removal
    assert bool(found.limits) == (removal is None)
    assert not found.by_absence


def test_a_full_extract_always_shows_every_row() -> None:
    made = script()
    for batch in BATCHES:
        assert [r["order_id"] for r in made.rows(batch, SEEN)] == [str(n) for n in range(8)]


def test_an_incremental_extract_shows_what_changed() -> None:
    made = script(SHOP.replace("extract: full", "extract: incremental", 1))
    assert [r["order_id"] for r in made.rows("late", SEEN)] == ["0"]
    assert len(made.rows("next", SEEN)) < 8


def test_every_key_plays_its_part() -> None:
    made = script()
    by_key = [list(v) for v in made.versions]
    assert [v.batch for v in by_key[0]] == ["first", "late", "next", "last"]
    assert by_key[0][3].row == by_key[0][0].row
    assert {n: added for n, (added, _, _) in made.growth.items()} == {1: 1, 2: 1, 3: 0}
    assert [v.row["note"] for v in by_key[2]] == [None, "", None]
    assert by_key[3][1].row == by_key[3][0].row
    assert [(v.time, v.turn) for v in by_key[4]] == [(0, 1), (1, 1), (1, 2)]
    assert made.quiet == (5, 6, 7)


def test_times_and_sequences_follow_the_events_not_the_arrival() -> None:
    made = script()
    late = made.rows("late", SEEN)[0]
    following = made.rows("next", SEEN)[0]
    assert str(late["updated_at"]) < str(following["updated_at"])
    assert int(str(late["version"])) < int(str(following["version"]))


def test_few_keys_still_make_a_script() -> None:
    made = script(keys=2)
    assert made.quiet == (1,)
    assert not made.growth


def test_orders_of_arrival() -> None:
    quick, full = orders("quick", "seed"), orders("full", "seed")
    assert len(quick) == 1
    assert len(full) == 4
    assert full == orders("full", "seed")
    for order in full.values():
        assert sorted(order) == sorted(BATCHES)
