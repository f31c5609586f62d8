"""Histories: every change that was seen, folded through time into versions.

A version begins with a change of a tracked column and ends, exclusive, where the next one begins
or a delete takes effect. The order in which changes were seen plays no part, unless late ones are
to be ignored or a change takes effect when it is seen.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tools.verify.dataset import Row
from tools.verify.oracle.frame import same
from tools.verify.oracle.loads import Doubt
from tools.verify.oracle.order import compare


@dataclass(frozen=True)
class Change:
    """What was seen of a key: its columns from a moment on, or that it is deleted.

    ``marked``: the row itself says that it is deleted.
    """

    key: Row
    at: Any
    sequence: Row
    values: Row
    marked: bool = False
    absent: bool = False

    @property
    def identity(self) -> Any:
        """Equal for two changes exactly if they say the same."""
        return same((self.key, self.at, self.sequence, self.values, self.marked, self.absent))


@dataclass(frozen=True)
class Rules:
    """How a history is kept.

    Args:
        observed: a change takes effect when it is first seen.
        closes: a delete ends a version.
        by_absence: a key that the extract lacks is deleted.
        max_ratio: as long as at most this part of the known keys is missing.
        ignores_late: a change before what is known of its key counts for nothing.
        tracked: which columns make a version when they change.
    """

    observed: bool
    closes: bool
    by_absence: bool
    max_ratio: float
    ignores_late: bool
    tracked: tuple[int, ...]


@dataclass(frozen=True)
class Version:
    """The columns of a key from a moment on, to another one, exclusive; None is still."""

    values: Row
    begin: Any
    end: Any


def see(
    rules: Rules, known: Sequence[Change], incoming: Sequence[Change], now: Any, doubt: Doubt
) -> list[Change]:
    """What is known after a load.

    Args:
        rules: how the history is kept.
        known: the changes that were seen before.
        incoming: the rows of this load as changes; ``at`` is None where no column says when.
        now: the moment of the load, in the type of ``at``.
        doubt: told where the spec leaves something open.
    """
    last = _last_known(known, doubt)
    present = {same(c.key) for c in incoming}
    new = [c for c in incoming if _has_place(rules, c, doubt)]
    new = _as_seen(rules, new, last, now, doubt) if rules.observed else new
    if rules.by_absence and not rules.observed:
        new += [replace(c, at=now) for c in new if _is_back(c, last.get(same(c.key)))]
    if rules.ignores_late and not rules.observed:
        new = [c for c in new if not _is_late(c, known)]
    if rules.by_absence:
        new += _disappeared(rules, last, present, now, doubt)
    seen = {c.identity for c in known}
    found = list(known)
    for change in new:
        if change.identity not in seen:
            seen.add(change.identity)
            found.append(change)
    return found


def _has_place(rules: Rules, change: Change, doubt: Doubt) -> bool:
    if any(part is None for part in change.key):
        doubt("a row without key has no history")
        return False
    if change.at is None and not rules.observed:
        doubt("a change without a moment has no place in a history")
        return False
    return True


def _last_known(changes: Sequence[Change], doubt: Doubt) -> dict[Any, Change]:
    """The last change of each key."""
    last: dict[Any, Change] = {}
    for change in changes:
        before = last.get(same(change.key))
        if before is None or compare(before.at, change.at) < 0:
            last[same(change.key)] = change
        elif compare(before.at, change.at) == 0:
            last[same(change.key)] = last_word([before, change], doubt)
    return last


def _as_seen(
    rules: Rules, new: Sequence[Change], last: dict[Any, Change], now: Any, doubt: Doubt
) -> list[Change]:
    """What differs from what was known of its key takes effect now."""
    del rules
    by_key: dict[Any, list[Change]] = {}
    for change in new:
        by_key.setdefault(same(change.key), []).append(replace(change, at=now))
    found = []
    for key, changes in by_key.items():
        change, before = last_word(changes, doubt), last.get(key)
        if before is not None and compare(before.at, now) >= 0:
            doubt("a load is not later than what is known")
        gone = before is not None and (before.marked or before.absent)
        if before is None or gone != change.marked or same(before.values) != same(change.values):
            found.append(change)
    return found


def _is_back(change: Change, last: Change | None) -> bool:
    """Whether a key that had disappeared is back with a time before that: it is so from now on."""
    return last is not None and last.absent and compare(change.at, last.at) <= 0


def _is_late(change: Change, known: Sequence[Change]) -> bool:
    return any(same(k.key) == same(change.key) and compare(k.at, change.at) > 0 for k in known)


def _disappeared(
    rules: Rules, last: dict[Any, Change], present: set[Any], now: Any, doubt: Doubt
) -> list[Change]:
    """Deletes of the keys that are alive and missing, if so few that it can be believed."""
    alive = {key: c for key, c in last.items() if not (c.marked or c.absent)}
    missing = [c for key, c in alive.items() if key not in present]
    if len(missing) > rules.max_ratio * len(alive):
        return []
    if missing and not present:
        doubt("an extract without any row, and max_ratio believes even that")
    if any(compare(c.at, now) >= 0 for c in missing):
        doubt("a key is missing that takes effect only after this load")
    nothing = tuple(None for _ in next(iter(last.values())).values) if last else ()
    earlier = [c for c in missing if compare(c.at, now) < 0]
    return [Change(c.key, now, (None,) * len(c.sequence), nothing, absent=True) for c in earlier]


def last_word(changes: Sequence[Change], doubt: Doubt) -> Change:
    """Of the changes of a key at one moment, the one that the sequence puts last."""

    def compared(one: Change, two: Change) -> int:
        for left, right in zip(one.sequence, two.sequence, strict=True):
            if (left is None) != (right is None):
                doubt("a change has nothing in a column that orders changes, and another has")
                return -1 if left is None else 1
            found = 0 if left is None else compare(left, right)
            if found:
                return found
        return 0

    ordered = sorted(changes, key=functools.cmp_to_key(compared))
    last = ordered[-1]
    ties = [c for c in ordered[:-1] if compared(c, last) == 0]
    if any(_says(c) != _says(last) for c in ties):
        doubt("two changes of one key at one moment, and nothing says which is the later one")
    return last


def _says(change: Change) -> Any:
    return same((change.values, change.marked, change.absent))


def versions(rules: Rules, changes: Sequence[Change], doubt: Doubt) -> list[Version]:
    """The versions of every key.

    A row that says it is deleted, where deletes are ignored, may count as a change of its other
    columns or for nothing; where that makes a difference the spec leaves it open.
    """
    if rules.closes:
        return _folded(rules, changes, lambda c: c.marked or c.absent, doubt)
    as_changes = _folded(rules, changes, lambda c: c.absent, doubt)
    without = _folded(rules, [c for c in changes if not c.marked], lambda c: c.absent, doubt)
    if sorted(map(repr, as_changes)) != sorted(map(repr, without)):
        doubt("deletes are ignored, and a deleted row brings other values")
    return as_changes


def _folded(
    rules: Rules, changes: Sequence[Change], is_end: Callable[[Change], bool], doubt: Doubt
) -> list[Version]:
    by_key: dict[Any, list[Change]] = {}
    for change in changes:
        by_key.setdefault(same(change.key), []).append(change)
    found: list[Version] = []
    for mine in by_key.values():
        current: Version | None = None
        for moment in _moments(mine):
            change = last_word(moment, doubt)
            if is_end(change):
                found += [replace(current, end=change.at)] if current else []
                current = None
            elif current is not None and _tracked(rules, current.values) == _tracked(
                rules, change.values
            ):
                current = replace(current, values=change.values)
            else:
                found += [replace(current, end=change.at)] if current else []
                current = Version(change.values, change.at, None)
        found += [current] if current else []
    return found


def _moments(changes: Sequence[Change]) -> list[list[Change]]:
    """The changes of a key by moment, in order of time."""
    moments: list[list[Change]] = []
    for change in sorted(changes, key=functools.cmp_to_key(_by_time)):
        if moments and compare(moments[-1][0].at, change.at) == 0:
            moments[-1].append(change)
        else:
            moments.append([change])
    return moments


def _by_time(one: Change, two: Change) -> int:
    return compare(one.at, two.at)


def _tracked(rules: Rules, values: Row) -> Any:
    return same(tuple(values[i] for i in rules.tracked))
