"""Two tables compared: what came, went, changed; which columns; with a key and without."""

from __future__ import annotations

from decimal import Decimal

from tools.verify.dataset import Table
from tools.verify.regression.tables import Tally, change_of

COLUMNS = (("id", "integer"), ("name", "varchar"), ("paid", "decimal(10,2)"))


def table(*rows: tuple[object, ...], columns: tuple[tuple[str, str], ...] = COLUMNS) -> Table:
    return Table(columns, rows)


def row(number: int, name: str | None = "a", paid: str = "1.00") -> tuple[object, ...]:
    return (number, name, Decimal(paid))


def test_nothing_moves_whatever_the_order() -> None:
    change = change_of(table(row(1), row(2)), table(row(2), row(1)), ["id"])
    assert not change.differs
    assert change.compared == 2


def test_rows_of_one_key_are_compared_value_by_value() -> None:
    before = table(row(1), row(2), row(3))
    after = table(row(1, paid="1.50"), row(2), row(4))
    change = change_of(before, after, ["ID"])
    assert [r[0] for r in change.removed] == [3]
    assert [r[0] for r in change.added] == [4]
    assert change.values == {"paid": (1, (Decimal("1.00"), Decimal("1.50")))}
    assert change.compared == 2


def test_null_is_a_value_of_its_own() -> None:
    change = change_of(table(row(1, None)), table(row(1, "")), ["id"])
    assert change.values == {"name": (1, (None, ""))}
    assert not change_of(table(row(1, None)), table(row(1, None)), ["id"]).differs


def test_without_a_key_rows_are_bags() -> None:
    before, after = table(row(1), row(1), row(2)), table(row(1), row(2), row(2, "b"))
    change = change_of(before, after)
    assert not change.keyed
    assert (change.removed, change.added) == ((row(1),), (row(2, "b"),))
    assert {n: c for n, (c, _) in change.values.items()} == {"id": 1, "name": 1}


def test_a_key_that_comes_twice_is_none() -> None:
    change = change_of(table(row(1), row(1)), table(row(1)), ["id"])
    assert not change.keyed
    assert change.removed == (row(1),)


def test_columns_that_come_go_and_get_another_type() -> None:
    after = table(
        (1, Decimal("1.000"), "x"),
        columns=(("id", "bigint"), ("paid", "decimal(12,3)"), ("note", "varchar")),
    )
    change = change_of(table(row(1)), after, ["id"])
    assert change.retyped == {
        "id": ("integer", "bigint"), "paid": ("decimal(10,2)", "decimal(12,3)"),
    }  # fmt: skip
    assert (change.only_before, change.only_after) == (("name",), ("note",))
    assert change.values == {}  # the numbers are the same, whatever holds them
    assert change.compared == 1


def test_a_tally_adds_up() -> None:
    tally = Tally()
    tally.add(change_of(table(row(1)), table(row(1, paid="2.00")), ["id"]))
    tally.add(change_of(table(), table(row(7)), ["id"]))
    assert (tally.before, tally.after, tally.added, tally.changed) == (1, 2, 1, 1)
    assert tally.moved == {"paid": 1}
    assert tally.keyed
    assert tally.differs
