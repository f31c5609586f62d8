"""Changes between two versions of a spec: how they are described, weighed and counted.

``breaking``: what a reader relies on is gone or another: a model, column, type, key, grain, a
guarantee. ``behaviour``: the shape is the same and the values may not be: an expression, a
filter, a join. ``additive``: there is more of it. ``cosmetic``: words, owners, tags.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final, Literal, TypeVar

from tools.spec.base import Part
from tools.spec.scope import Col

Bump = Literal["major", "minor", "patch", "none"]
Item = TypeVar("Item")


class Impact(StrEnum):
    """How much a change weighs, heaviest first."""

    BREAKING = "breaking"
    BEHAVIOUR = "behaviour"
    ADDITIVE = "additive"
    COSMETIC = "cosmetic"


WEIGHT: Final = {impact: weight for weight, impact in enumerate(Impact)}
_BUMP: Final[Mapping[Impact, Bump]] = {
    Impact.BREAKING: "major",
    Impact.BEHAVIOUR: "minor",
    Impact.ADDITIVE: "minor",
    Impact.COSMETIC: "patch",
}


@dataclass(frozen=True)
class Change:
    """One difference between two versions of a spec.

    Args:
        kind: what happened, such as ``column.removed``; stable.
        impact: how much it weighs.
        subject: what it happened to, such as ``dim_order.status``.
        before: how it was, as text; empty where there was nothing.
        after: how it is; empty where there is nothing.
        message: one sentence for people.
    """

    kind: str
    impact: Impact
    subject: str
    before: str = ""
    after: str = ""
    message: str = ""

    def to_json(self) -> dict[str, str]:
        """A JSON object."""
        return {k: str(v) for k, v in asdict(self).items()}


def suggested_bump(changes: Iterable[Change]) -> Bump:
    """The part of the version that the heaviest change asks for."""
    heaviest = min((c.impact for c in changes), key=WEIGHT.__getitem__, default=None)
    return _BUMP[heaviest] if heaviest is not None else "none"


def bumped(version: str, bump: Bump) -> str:
    """The next version: ``1.2.3`` and ``minor`` give ``1.3.0``; before 1.0.0 nothing is major.

    What follows the three numbers (``-rc.1``) is dropped.
    """
    major, minor, patch = _numbers(version)
    if bump == "none":
        return version
    if bump == "major" and major > 0:
        return f"{major + 1}.0.0"
    if bump in ("major", "minor"):
        return f"{major}.{minor + 1}.0"
    return f"{major}.{minor}.{patch + 1}"


def version_suffices(old: str, new: str, bump: Bump) -> bool:
    """Whether the step from one version to the other is at least what the changes ask for."""
    return bump == "none" or _numbers(new) >= _numbers(bumped(old, bump))


def _numbers(version: str) -> tuple[int, int, int]:
    major, minor, patch = re.split(r"[-+]", version, maxsplit=1)[0].split(".")
    return int(major), int(minor), int(patch)


def text_of(value: Any) -> str:
    """A part of a spec in one line of text."""
    if isinstance(value, Part):
        value = value.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    if isinstance(value, list):
        return ", ".join(text_of(v) for v in value)
    if isinstance(value, dict):
        return ", ".join(f"{k}: {text_of(v)}" for k, v in value.items())
    return "" if value is None else str(value)


def changed(kind: str, impact: Impact, subject: str, before: Any, after: Any) -> Change:
    """A change of something that both versions have."""
    was, now = text_of(before), text_of(after)
    what = kind.partition(".")[2].replace("_", " ")
    message = f"{subject}: {what} was {was or 'not set'}, is {now or 'not set'}"
    return Change(kind, impact, subject, was, now, message)


def fields_changed(
    kind: str, subject: str, old: Part, new: Part, impacts: Mapping[str, Impact]
) -> Iterator[Change]:
    """A change for each of the fields that differ."""
    for name, impact in impacts.items():
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            yield changed(f"{kind}.{name.rstrip('_')}", impact, subject, before, after)


def matched(
    old: Iterable[Item], new: Iterable[Item], key: Callable[[Item], str]
) -> Iterator[tuple[str, Item | None, Item | None]]:
    """Items of both sides by key, compared without case; None where a side has none.

    The key is given as the newer side writes it.
    """
    before = {key(item).lower(): item for item in old}
    after = {key(item).lower(): item for item in new}
    for name in dict.fromkeys((*before, *after)):
        was, now = before.get(name), after.get(name)
        shown = now if now is not None else was
        yield (key(shown) if shown is not None else name), was, now


def present(kind: str, subject: str, *, is_new: bool, weight: Impact = Impact.BREAKING) -> Change:
    """Something that only one of the versions has."""
    if is_new:
        return Change(f"{kind}.added", Impact.ADDITIVE, subject, "", "", f"{subject} is new")
    return Change(f"{kind}.removed", weight, subject, "", "", f"{subject} is gone")


def columns_changed(
    kind: str, table: str, old: tuple[Col, ...], new: tuple[Col, ...]
) -> Iterator[Change]:
    """The changes between two lists of columns."""
    for name, was, now in matched(old, new, lambda c: c.name):
        subject = f"{table}.{name}"
        if was is None or now is None:
            yield present(kind, subject, is_new=was is None)
            continue
        if (was.type or "").lower() != (now.type or "").lower():
            yield changed(f"{kind}.type", Impact.BREAKING, subject, was.type, now.type)
        if was.nullable != now.nullable:
            # Readers rely on a value being there; one that is there more often harms nobody.
            impact = Impact.BREAKING if now.nullable else Impact.ADDITIVE
            yield changed(f"{kind}.nullable", impact, subject, was.nullable, now.nullable)
        if was.pii != now.pii:
            impact = Impact.BEHAVIOUR if now.pii else Impact.BREAKING
            yield changed(f"{kind}.pii", impact, subject, was.pii, now.pii)
        if was.description != now.description:
            texts = (was.description, now.description)
            yield changed(f"{kind}.description", Impact.COSMETIC, subject, *texts)
