"""Two tables of one model, before and after: rows that came, went or changed, column by column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tools.verify.compare import equal, exact
from tools.verify.dataset import Row, Table

Pair = tuple[Row, Row]
"""A row before and after; values in the order of the shared columns."""


@dataclass
class Tally:
    """What moved so far; filled table by table.

    Args:
        before: rows seen before.
        after: rows seen after.
        added: rows that only came after.
        removed: rows that were only there before.
        changed: rows of both with other values.
        compared: rows of both.
        moved: by column, how many values are others.
        samples: by column, one of them: before and after.
        retyped: by column, its types.
        only_before: columns that are gone.
        only_after: columns that are new.
        keyed: whether rows were told apart by a key wherever there were some.
    """

    before: int = 0
    after: int = 0
    added: int = 0
    removed: int = 0
    changed: int = 0
    compared: int = 0
    moved: Counter[str] = field(default_factory=Counter)
    samples: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    retyped: dict[str, tuple[str, str]] = field(default_factory=dict)
    only_before: dict[str, None] = field(default_factory=dict)
    only_after: dict[str, None] = field(default_factory=dict)
    keyed: bool = True

    @property
    def differs(self) -> bool:
        """Whether anything moved."""
        shape = self.retyped or self.only_before or self.only_after
        return bool(self.added or self.removed or self.changed or shape)

    def add(self, change: Change) -> None:
        """Counts one comparison in."""
        self.before += change.rows_before
        self.after += change.rows_after
        self.added += len(change.added)
        self.removed += len(change.removed)
        self.changed += len(change.pairs)
        self.compared += change.compared
        self.keyed = self.keyed and change.keyed
        for name, (count, sample) in change.values.items():
            self.moved[name] += count
            if sample is not None:
                self.samples.setdefault(name, sample)
        self.retyped |= change.retyped
        self.only_before |= dict.fromkeys(change.only_before)
        self.only_after |= dict.fromkeys(change.only_after)


@dataclass(frozen=True)
class Change:
    """How one table compares with what it was.

    Args:
        columns: those that both have, as they are called now.
        removed: rows before that have no partner.
        added: rows after that have no partner.
        pairs: rows of one key with other values.
        compared: rows that both have, changed or not.
        values: by column, how many values are others, and one of them.
        retyped: by column, its types.
        only_before: columns that are gone.
        only_after: columns that are new.
        keyed: whether rows are told apart by a key.
        rows_before: all of them.
        rows_after: all of them.
    """

    columns: tuple[str, ...]
    removed: tuple[Row, ...]
    added: tuple[Row, ...]
    pairs: tuple[Pair, ...]
    compared: int
    values: Mapping[str, tuple[int, tuple[Any, Any] | None]]
    retyped: Mapping[str, tuple[str, str]]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]
    keyed: bool
    rows_before: int
    rows_after: int

    @property
    def differs(self) -> bool:
        """Whether anything moved."""
        shape = self.retyped or self.only_before or self.only_after
        return bool(self.added or self.removed or self.pairs or shape)


def change_of(before: Table, after: Table, key: Sequence[str] = ()) -> Change:
    """Compares a table with what it was.

    Args:
        before: its rows before.
        after: its rows now; columns are matched by name, without case.
        key: columns that tell rows apart; without one, whole rows are compared as bags.
    """
    shared = tuple(n for n in after.names if before.index(n) is not None)
    retyped = {n: kinds for n in shared if (kinds := _kinds(before, after, n))}
    exactly = [n not in retyped for n in shared]
    left, right = _project(before, shared), _project(after, shared)
    places = _key(shared, key, left, right)
    if places or not (left or right):
        gone, new, both = _by_key(left, right, places)
        pairs = [p for p in both if not _same(*p, exactly)]
        values = _moved(shared, pairs, exactly)
        matched = len(both)
    else:
        gone, new = _bags(left, right, exactly)
        pairs, values = [], _loose(shared, gone, new)
        matched = len(left) - len(gone)
    return Change(
        shared, tuple(gone), tuple(new), tuple(pairs), matched, values, retyped,
        tuple(n for n in before.names if after.index(n) is None),
        tuple(n for n in after.names if before.index(n) is None),
        bool(places) or not (left or right), len(left), len(right),
    )  # fmt: skip


def _kinds(before: Table, after: Table, name: str) -> tuple[str, str] | None:
    one, two = (t.columns[t.index(name) or 0][1].lower() for t in (before, after))
    return None if one == two else (one, two)


def _project(table: Table, names: Sequence[str]) -> list[Row]:
    places = [i for i in (table.index(n) for n in names) if i is not None]
    return [tuple(row[i] for i in places) for row in table.rows]


def _key(
    names: Sequence[str], key: Sequence[str], left: Sequence[Row], right: Sequence[Row]
) -> list[int]:
    """Where the key stands; nowhere when it does not tell the rows of both sides apart."""
    lowered = [n.lower() for n in names]
    places = [lowered.index(k.lower()) for k in key if k.lower() in lowered]
    if not key or len(places) < len(key):
        return []
    for rows in (left, right):
        if len({_at(row, places) for row in rows}) < len(rows):
            return []
    return places


def _at(row: Row, places: Sequence[int]) -> Any:
    return tuple(_loosely(row[i]) for i in places)


def _loosely(value: Any) -> Any:
    """A value such that a number is the same whatever type holds it."""
    found = exact(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return ("number", value)
    return ("number", found[1]) if isinstance(found, tuple) and found[0] == "number" else found


def _by_key(
    left: Sequence[Row], right: Sequence[Row], places: Sequence[int]
) -> tuple[list[Row], list[Row], list[Pair]]:
    old = {_at(row, places): row for row in left}
    new = {_at(row, places): row for row in right}
    gone = [row for k, row in old.items() if k not in new]
    came = [row for k, row in new.items() if k not in old]
    return gone, came, [(row, new[k]) for k, row in old.items() if k in new]


def _same(one: Row, two: Row, exactly: Sequence[bool]) -> bool:
    return all(equal(*cells) for cells in zip(one, two, exactly, strict=True))


def _moved(
    names: Sequence[str], pairs: Sequence[Pair], exactly: Sequence[bool]
) -> dict[str, tuple[int, tuple[Any, Any] | None]]:
    found: dict[str, tuple[int, tuple[Any, Any] | None]] = {}
    for one, two in pairs:
        for name, old, new, strict in zip(names, one, two, exactly, strict=True):
            if not equal(old, new, strict):
                count, sample = found.get(name, (0, (old, new)))
                found[name] = (count + 1, sample)
    return found


def _bags(
    left: Sequence[Row], right: Sequence[Row], exactly: Sequence[bool]
) -> tuple[list[Row], list[Row]]:
    """The rows of each side that have no partner on the other."""
    waiting: dict[Any, list[Row]] = {}
    for row in right:
        waiting.setdefault(exact(row), []).append(row)
    alone = []
    for row in left:
        partners = waiting.get(exact(row))
        if partners:
            partners.pop()
        else:
            alone.append(row)
    rest, kept = [], [row for rows in waiting.values() for row in rows]
    for row in alone:
        partner = next((i for i, o in enumerate(kept) if _same(row, o, exactly)), None)
        if partner is None:
            rest.append(row)
        else:
            del kept[partner]
    return rest, kept


def _loose(
    names: Sequence[str], gone: Sequence[Row], new: Sequence[Row]
) -> dict[str, tuple[int, tuple[Any, Any] | None]]:
    """Without a key: by column, the values that the other side does not have as often."""
    found: dict[str, tuple[int, tuple[Any, Any] | None]] = {}
    for index, name in enumerate(names):
        old = Counter(_loosely(r[index]) for r in gone)
        now = Counter(_loosely(r[index]) for r in new)
        lost, came = old - now, now - old
        count = max(lost.total(), came.total())
        if count:
            found[name] = (count, None)
    return found
