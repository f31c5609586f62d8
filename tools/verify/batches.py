"""Batches of made-up changes for a history, and the orders in which they arrive; pure.

Each key of the base rows plays a part: one goes there and back, one changes once, one flips between
NULL and '', one is touched without a change, one has two changes at one moment, one is deleted and
comes back, the rest stay as they are.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tools.verify.history import Edit, History
from tools.verify.sample_values import family, value_of

Row = Mapping[str, str | None]

_UNIT = dt.timedelta(days=2)
"""Of the time of events: whole and half ones differ as dates, too."""

BATCHES = ("first", "late", "next", "last")
"""The batches by name; ``late`` holds a change that happened between ``first`` and ``next``."""


@dataclass(frozen=True)
class Version:
    """The state of a row from a moment on, in units of time after the first, seen in a batch."""

    batch: str
    time: float
    row: Row
    turn: int = 1


@dataclass(frozen=True)
class Script:
    """What happens to the rows of one source table.

    Args:
        history: whose source it is.
        versions: of each base row, in order of event time.
        start: the moment of the first batch.
        growth: for keys of which it is known, by index: how many versions ``next`` adds, how many
            it closes, and why.
        quiet: indexes of keys that never change.
        kinds: DuckDB types by column.
    """

    history: History
    versions: tuple[tuple[Version, ...], ...]
    start: dt.datetime
    growth: Mapping[int, tuple[int, int, str]]
    quiet: tuple[int, ...]
    kinds: Mapping[str, str] = field(default_factory=dict)

    def rows(self, batch: str, seen_at: dt.datetime) -> list[Row]:
        """What the extract of a batch holds.

        A full extract shows every row as it is then; other extracts hold what changed.
        """
        full = self.history.table.extract == "full"
        found = []
        for versions in self.versions:
            mine = [v for v in versions if v.batch == batch]
            if not mine and full:
                before = [
                    v for v in versions
                    if v.batch != "late" and BATCHES.index(v.batch) < BATCHES.index(batch)
                ]  # fmt: skip
                mine = before[-1:]
            if full:
                mine = mine[-1:]
            found += [self._stamped(v, seen_at) for v in mine]
        return found

    def _stamped(self, version: Version, seen_at: dt.datetime) -> Row:
        """A row with its times and sequence."""
        moment = self.start + _UNIT * version.time
        table, row = self.history.table, dict(version.row)
        times = {table.loaded_at: seen_at, table.cursor: moment, self.history.effective: moment}
        for name, value in times.items():
            declared = table.column(name) if name else None
            exact = declared.name if declared else name or ""
            if family(self.kinds.get(exact, "")) in ("moment", "date"):
                row[exact] = str(value)
        for column in self.history.sequence:
            row[column] = _sequence(self.kinds[column], version, moment)
        return row


def _sequence(kind: str, version: Version, moment: dt.datetime) -> str:
    number = int(version.time * 2) * 10 + version.turn
    if family(kind) in ("moment", "date"):
        return str(moment + dt.timedelta(seconds=version.turn))
    return str(number) if family(kind) in ("integer", "decimal", "double") else f"{number:06d}"


def script_of(
    history: History,
    base: Sequence[Row],
    shown: Sequence[Row],
    kinds: Mapping[str, str],
    start: dt.datetime,
) -> Script:
    """Gives each base row its part.

    Args:
        history: the model and its source columns.
        base: one row a key, values as text.
        shown: what the built history shows for each of them now.
        kinds: DuckDB types of the columns.
        start: the moment of the first batch.
    """
    if history.removal:
        alive = {history.removal.column: _alive(history, base)}
        base = [{**row, **alive} for row in base]
    maker = _Parts(history, base, shown, kinds)
    versions = []
    for number, row in enumerate(base):
        part = maker.part(number, row) if _spare(number, base) else ()
        first = Version("first", 0, row)
        versions.append((first, *part))
    quiet = tuple(n for n, v in enumerate(versions) if len(v) == 1)
    return Script(history, tuple(versions), start, maker.growth, quiet, dict(kinds))


def _spare(number: int, base: Sequence[Row]) -> bool:
    """Whether a key may change: the last one stays as it is, to show that nothing else moves."""
    return number < len(base) - 1 or len(base) == 1


def _alive(history: History, base: Sequence[Row]) -> str | None:
    removal = history.removal
    if removal is None or removal.alive:
        return removal.alive if removal else None
    return next(
        (v for r in base if (v := r.get(removal.column)) not in (None, removal.deleted)), None
    )


_BLANK = 2
"""The number of the key that flips between NULL and the empty text."""

_DELETED = 5
"""The number of the key that is deleted and comes back."""


@dataclass
class _Parts:
    history: History
    base: Sequence[Row]
    shown: Sequence[Row]
    kinds: Mapping[str, str]
    growth: dict[int, tuple[int, int, str]] = field(default_factory=dict)

    def part(self, number: int, row: Row) -> tuple[Version, ...]:
        """What happens to a key, by its number."""
        if number == 1:
            return self.once(number, row)
        if number == 3 and self.history.effective and not self.history.shows_times:
            self.growth[number] = (0, 0, "an update that changes nothing tracked")
        parts = {
            0: self.there_and_back,
            _BLANK: self.blank,
            3: self.touched,
            4: self.tie,
            _DELETED: self.deleted,
        }
        return parts[number](row) if number in parts else ()

    def changed(self, row: Row, edit: Edit, turn: int = 0) -> Row:
        """The row with another value: one that occurs in the column, else one made up."""
        now = row.get(edit.column)
        known = sorted({str(v) for r in self.base if (v := r.get(edit.column)) not in (None, now)})
        if len(known) > turn:
            return {**row, edit.column: known[turn]}
        kind = self.kinds[edit.column]
        made = (value_of(edit.column, kind, 40 + turn + n) for n in range(3))
        return {**row, edit.column: next((m for m in made if m != now), now)}

    def edit(self, turn: int) -> Edit:
        """One of the edits, round and round."""
        return self.history.edits[turn % len(self.history.edits)]

    def there_and_back(self, row: Row) -> tuple[Version, ...]:
        """To another value and back to the first, with a change in between that comes late."""
        late = self.changed(row, self.edit(1), 1)
        there = self.changed(row, self.edit(0))
        return (
            Version("late", 0.5, late),
            Version("next", 1, there),
            Version("last", 2, row),
        )

    def once(self, number: int, row: Row) -> tuple[Version, ...]:
        """A change that surely shows: of a plain column, or to a value that shows differently."""
        for edit in self.history.edits:
            if edit.plain:
                changed = self.changed(row, edit)
                if changed != row:
                    self.growth[number] = (1, 1, "a change")
                    return (Version("next", 1, changed),)
            mine = self.shown[number].get(edit.output) if edit.alone else None
            for other, shown in zip(self.base, self.shown, strict=True):
                if edit.alone and shown and shown.get(edit.output) != mine:
                    self.growth[number] = (1, 1, "a change")
                    return (Version("next", 1, {**row, edit.column: other[edit.column]}),)
        return (Version("next", 1, self.changed(row, self.edit(0))),)

    def blank(self, row: Row) -> tuple[Version, ...]:
        """From a value to NULL to the empty text, which are two different things."""
        texts = [e for e in self.history.edits if self._can_be_blank(e.column)]
        if not texts:
            return ()
        column = texts[0].column
        there = None if row.get(column) is not None else ""
        if texts[0].plain:
            what = "a value that becomes NULL" if there is None else "NULL that becomes ''"
            self.growth[_BLANK] = (1, 1, what)
        return (
            Version("next", 1, {**row, column: there}),
            Version("last", 2, {**row, column: "" if there is None else None}),
        )

    def _can_be_blank(self, column: str) -> bool:
        declared = self.history.table.column(column)
        return family(self.kinds[column]) == "text" and (declared is None or declared.nullable)

    def touched(self, row: Row) -> tuple[Version, ...]:
        """Once without a change, then with one."""
        return (
            Version("next", 1, row),
            Version("last", 2, self.changed(row, self.edit(2))),
        )

    def tie(self, row: Row) -> tuple[Version, ...]:
        """Two changes at the same moment, ordered by the sequence alone."""
        if not self.history.sequence or self.history.effective is None:
            return ()
        first, second = self.changed(row, self.edit(0)), self.changed(row, self.edit(0), 1)
        late = Version("next", 1, first, turn=1)
        return (late, replace(late, batch="last", row=second, turn=2))

    def deleted(self, row: Row) -> tuple[Version, ...]:
        """Marked as deleted, then back with another value."""
        removal = self.history.removal
        if removal is None:
            return ()
        if self.history.model.load.deletes == "close":
            self.growth[_DELETED] = (0, 1, "a row that is marked as deleted")
        gone = {**row, removal.column: removal.deleted}
        return (Version("next", 1, gone), Version("last", 2, self.changed(row, self.edit(0))))


def orders(level: str, seed: str) -> dict[str, tuple[str, ...]]:
    """The orders of arrival besides that of the events, by name."""
    found: dict[str, tuple[str, ...]] = {
        "shuffled, the late batch at the end": ("last", "first", "next", "late")
    }
    if level == "full":
        found["backwards"] = tuple(reversed(BATCHES))
        chosen = random.Random(seed)  # noqa: S311 - repeatable, not secret
        for number in (1, 2):
            found[f"at random ({number})"] = tuple(chosen.sample(BATCHES, len(BATCHES)))
    return found
