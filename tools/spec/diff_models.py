"""What changed in the models of a spec: columns, their meaning, joins, loads, tests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from tools.spec.changes import (
    Change,
    Impact,
    changed,
    columns_changed,
    fields_changed,
    matched,
    present,
    text_of,
)
from tools.spec.model import Spec
from tools.spec.scope import table_columns
from tools.spec.transform import Join, Model

_MODEL: Final = {
    "layer": Impact.BREAKING,
    "grain": Impact.BREAKING,
    "group_by": Impact.BREAKING,
    "from_": Impact.BEHAVIOUR,
    "where": Impact.BEHAVIOUR,
    "dedupe": Impact.BEHAVIOUR,
    "having": Impact.BEHAVIOUR,
    "rules": Impact.BEHAVIOUR,
    "custom": Impact.BEHAVIOUR,
    "physical": Impact.COSMETIC,
    "author": Impact.COSMETIC,
    "description": Impact.COSMETIC,
    "tags": Impact.COSMETIC,
}
_LOAD: Final = {
    "strategy": Impact.BREAKING,
    "key": Impact.BREAKING,
    "effective_at": Impact.BEHAVIOUR,
    "sequence_by": Impact.BEHAVIOUR,
    "track": Impact.BEHAVIOUR,
    "cursor": Impact.BEHAVIOUR,
    "lookback": Impact.BEHAVIOUR,
    "late": Impact.BEHAVIOUR,
    "deletes": Impact.BEHAVIOUR,
}


def models_changed(old: Spec, new: Spec) -> Iterator[Change]:
    """The changes of models, with what their tables show including what the load adds."""
    for name, before, after in matched(old.models, new.models, lambda m: m.name):
        if before is None or after is None:
            yield present("model", name, is_new=before is None)
            continue
        yield from fields_changed("model", name, before, after, _MODEL)
        yield from fields_changed("load", name, before.load, after.load, _LOAD)
        columns = (table_columns(old, before), table_columns(new, after))
        yield from _renamed(before, after, columns_changed("column", name, *columns))
        yield from _definitions(before, after)
        yield from _tests(before, after)
        yield from _joins(before, after)
        yield from _examples(before, after)


def _renamed(old: Model, new: Model, changes: Iterable[Change]) -> Iterator[Change]:
    """The same changes; a column gone and one come with the same definition are a renaming."""
    listed = list(changes)
    gone = {c.subject.rpartition(".")[2]: c for c in listed if c.kind == "column.removed"}
    come = {c.subject.rpartition(".")[2]: c for c in listed if c.kind == "column.added"}
    before, after = _meanings(old), _meanings(new)
    for was, removed in gone.items():
        twins = [now for now in come if was in before and after.get(now) == before[was]]
        if len(twins) == 1:
            listed.remove(removed)
            listed.remove(come.pop(twins[0]))
            message = f"{new.name}.{was} is called {twins[0]} now"
            subject, impact = f"{new.name}.{was}", Impact.BREAKING
            listed.append(Change("column.renamed", impact, subject, was, twins[0], message))
    yield from listed


def _meanings(model: Model) -> dict[str, tuple[str, str | None]]:
    """What each declared column is, apart from its name: where it comes from, its expression."""
    found: dict[str, tuple[str, str | None]] = {}
    for c in model.columns:
        uses_origin = c.expr is None or "{from}" in c.expr
        found[c.name] = (c.from_ or c.name if uses_origin else "", c.expr)
    return found | {m.name: ("", m.expr) for m in model.aggregations}


def _definitions(old: Model, new: Model) -> Iterator[Change]:
    before, after = _meanings(old), _meanings(new)
    for name in before.keys() & after.keys():
        if before[name] != after[name]:
            was, now = (_described(*meaning) for meaning in (before[name], after[name]))
            subject = f"{new.name}.{name}"
            yield changed("column.definition", Impact.BEHAVIOUR, subject, was, now)


def _described(origin: str, expr: str | None) -> str:
    return f"{expr} of {origin}" if expr and origin else expr or origin


def _tests(old: Model, new: Model) -> Iterator[Change]:
    before, after = _tested(old), _tested(new)
    for name in before.keys() & after.keys():
        subject = f"{new.name}.{name}"
        for gone in sorted(before[name] - after[name]):
            message = f"{subject}: the test {gone} is gone"
            yield Change("test.removed", Impact.BREAKING, subject, gone, "", message)
        for come in sorted(after[name] - before[name]):
            message = f"{subject}: the test {come} is new"
            yield Change("test.added", Impact.ADDITIVE, subject, "", come, message)


def _tested(model: Model) -> dict[str, set[str]]:
    columns = {c.name.lower(): {text_of(t) for t in c.tests} for c in model.columns}
    return columns | {m.name.lower(): {text_of(t) for t in m.tests} for m in model.aggregations}


def _joins(old: Model, new: Model) -> Iterator[Change]:
    for alias, was, now in matched(_joins_of(old), _joins_of(new), lambda join: join.alias):
        if was != now:
            subject = f"{new.name}.{alias}"
            yield changed("join.changed", Impact.BEHAVIOUR, subject, was, now)


def _joins_of(model: Model) -> list[Join]:
    """The joins without what only explains them."""
    return [join.model_copy(update={"why": ""}) for join in model.joins]


def _examples(old: Model, new: Model) -> Iterator[Change]:
    for name, was, now in matched(old.examples, new.examples, lambda e: e.name):
        subject = f"{new.name}.{name}"
        if was is None or now is None:
            yield present("example", subject, is_new=was is None)
        elif (was.given, was.expect) != (now.given, now.expect):
            yield changed("example.changed", Impact.BEHAVIOUR, subject, was, now)
