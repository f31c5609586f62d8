"""A test that failed is not made to pass by asking less.

Anti-pattern: the build is red, so the test becomes ``severity: warn``, gets a ``where``, or is
gone. The data is as wrong as before, and now nobody hears of it.

Best practice: correct the code or the data. Where the test is what is wrong, the spec says so: a
new version of it, with a decision.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from tools.errors import InputError
from tools.findings import Location
from tools.rules.breach import Breach, Options
from tools.rules.items import Item
from tools.rules.properties import ModelProperties, PropertyTest, read_properties
from tools.rules.subject import Change
from tools.sql import template

NAME = "tests_not_weakened"
ON = ("diff",)

_HINT = "put it back; if the test is wrong, change the spec and its version"
_LOOSE = re.compile(r"severity\s*=\s*['\"]warn|enabled\s*=\s*(?:false|False)|(?:error|warn)_if\s*=")
_NARROWING = ("where", "error_if", "warn_if", "limit")


class Params(Options):
    """``allow_new_version``: whether a spec with another version may ask for other tests."""

    allow_new_version: bool = True


def check(item: Item, params: Params) -> Iterator[Breach]:
    """Yields a breach for each test that is gone, or asks less than before."""
    revision = item.view.revision
    bumped = revision is not None and revision.before.version != revision.after.version
    if bumped and params.allow_new_version:
        return
    before: dict[str, ModelProperties] = {}
    after: dict[str, ModelProperties] = dict(item.view.properties)
    for change in item.view.subject.changed:
        if PurePosixPath(change.path).suffix in (".yml", ".yaml"):
            before |= _models(change.before, change.path)
            after |= _models(change.after, change.path)
        elif change.path.endswith(".sql") and "tests" in PurePosixPath(change.path).parts:
            yield from _singular(change, item)
    for name, old in before.items():
        if name in after:
            yield from _compare(old, after[name])


def _models(text: str | None, path: str) -> Mapping[str, ModelProperties]:
    try:
        found = read_properties(text, path) if text else ()
    except InputError:
        return {}  # reported as a file that no rule can look at
    return {m.name.lower(): m for m in found}


def _singular(change: Change, item: Item) -> Iterator[Breach]:
    """A test that is a file: gone while its models are there, or made to report less."""
    where, name = Location(change.path), PurePosixPath(change.path).stem
    if change.before is None:
        return
    if change.after is None:
        models = template.refs(change.before)
        if not models or any(_is_there(item, m) for m in models):
            yield Breach(f"the test {name} is gone", _HINT, where, change.path)
    elif len(_LOOSE.findall(change.after)) > len(_LOOSE.findall(change.before)):
        yield Breach(f"the test {name} reports less than before", _HINT, where, change.path)


def _is_there(item: Item, model: str) -> bool:
    view = item.view
    made = view.model_of(model) is not None or view.sql_of(model) is not None
    return made or model.lower() in view.properties or view.spec is None


def _compare(old: ModelProperties, new: ModelProperties) -> Iterator[Breach]:
    columns = {c.name.lower() for c in new.columns}
    for test in old.all_tests():
        if not test.enabled or (test.column and test.column.lower() not in columns):
            continue
        label = f"the test {test.name} of {old.name}" + (f".{test.column}" if test.column else "")
        about = f"{old.name}.{test.column}" if test.column else old.name
        same = [t for t in new.all_tests() if _same(t, test)]
        exact = [t for t in same if t.arguments == test.arguments]
        found = next(iter(exact or same), None)
        if found is None:
            yield Breach(f"{label} is gone", _HINT, Location(new.path, new.line), about)
            continue
        for what in _weaker(test, found):
            yield Breach(f"{label} {what}", _HINT, Location(found.path, found.line), about)


def _same(one: PropertyTest, other: PropertyTest) -> bool:
    columns = ((one.column or "").lower(), (other.column or "").lower())
    return one.name == other.name and columns[0] == columns[1]


def _weaker(old: PropertyTest, new: PropertyTest) -> Iterable[str]:
    """In which ways a test asks less than it did."""
    if not new.enabled:
        yield "is switched off"
    if old.severity == "error" and new.severity != "error":
        yield f"has severity {new.severity}, it had error"
    for key in _NARROWING:
        if key in new.config and new.config[key] != old.config.get(key):
            yield f"has another {key}: {new.config[key]}"
    accepted, now = old.arguments.get("values"), new.arguments.get("values")
    if isinstance(accepted, list) and isinstance(now, list):
        more = [str(v) for v in now if v not in accepted]
        if more:
            yield f"accepts more: {', '.join(more)}"
