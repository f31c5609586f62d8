"""What changed between two versions of a spec, and how much it weighs for those who read it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from tools.spec.changes import (
    WEIGHT,
    Bump,
    Change,
    Impact,
    bumped,
    changed,
    columns_changed,
    fields_changed,
    matched,
    present,
    suggested_bump,
    version_suffices,
)
from tools.spec.diff_models import models_changed
from tools.spec.model import Spec
from tools.spec.scope import Col
from tools.spec.source import Column


def diff(old: Spec, new: Spec) -> tuple[Change, ...]:
    """The changes from one version of a spec to another, heaviest first, then by subject."""
    found = {str(c): c for part in _PARTS for c in part(old, new)}
    return tuple(sorted(found.values(), key=lambda c: (WEIGHT[c.impact], c.subject, c.kind)))


_SPEC: Final = {
    "pipeline": Impact.BREAKING,
    "dialect": Impact.BEHAVIOUR,
    "schemas": Impact.BREAKING,
    "targets": Impact.BEHAVIOUR,
    "orchestration": Impact.BEHAVIOUR,
    "owner": Impact.COSMETIC,
    "description": Impact.COSMETIC,
    "tags": Impact.COSMETIC,
    "decisions": Impact.COSMETIC,
    "open_questions": Impact.COSMETIC,
}


def _spec(old: Spec, new: Spec) -> Iterator[Change]:
    yield from fields_changed("spec", new.pipeline, old, new, _SPEC)


_SOURCE: Final = {
    "system": Impact.BEHAVIOUR,
    "connection": Impact.BEHAVIOUR,
    "schema_": Impact.BEHAVIOUR,
    "description": Impact.COSMETIC,
}
_TABLE: Final = {
    "primary_key": Impact.BEHAVIOUR,
    "cursor": Impact.BEHAVIOUR,
    "loaded_at": Impact.BEHAVIOUR,
    "extract": Impact.BEHAVIOUR,
    "operation": Impact.BEHAVIOUR,
    "deletes": Impact.BEHAVIOUR,
    "schema_contract": Impact.BEHAVIOUR,
    "description": Impact.COSMETIC,
    "data": Impact.COSMETIC,
}


def _sources(old: Spec, new: Spec) -> Iterator[Change]:
    for subject, before, after in matched(old.sources, new.sources, lambda s: s.name):
        if before is not None and after is not None:
            yield from fields_changed("source", subject, before, after, _SOURCE)
        tables = (before.tables if before else [], after.tables if after else [])
        for table, was, now in matched(*tables, lambda t: t.name):
            name = f"{subject}.{table}"
            if was is None or now is None:
                weight = Impact.BEHAVIOUR
                yield present("source_table", name, is_new=was is None, weight=weight)
                continue
            yield from fields_changed("source_table", name, was, now, _TABLE)
            columns = (_cols(was.columns), _cols(now.columns))
            for change in columns_changed("source_column", name, *columns):
                # What that breaks for readers shows in the columns of models, if in any.
                breaks = change.impact is Impact.BREAKING
                yield replace(change, impact=Impact.BEHAVIOUR) if breaks else change


def _cols(columns: Iterable[Column]) -> tuple[Col, ...]:
    return tuple(Col(c.name, c.type, c.nullable, c.pii, c.description) for c in columns)


def _guarantees(old: Spec, new: Spec) -> Iterator[Change]:
    """Checks and freshness: fewer of them, or weaker, is a promise taken back."""
    checks = (old.validation.checks, new.validation.checks)
    for subject, was, now in matched(*checks, lambda c: f"{c.model}.{c.name}"):
        if was is None or now is None:
            yield present("check", subject, is_new=was is None)
            continue
        if was.expr != now.expr:
            yield changed("check.expr", Impact.BEHAVIOUR, subject, was.expr, now.expr)
        if was.severity != now.severity:
            impact = Impact.BREAKING if now.severity == "warn" else Impact.ADDITIVE
            yield changed("check.severity", impact, subject, was.severity, now.severity)
    fresh = (old.validation.freshness, new.validation.freshness)
    for subject, older, newer in matched(*fresh, lambda f: f.table):
        if older != newer:
            yield changed("freshness.changed", Impact.BEHAVIOUR, subject, older, newer)


def _readers(old: Spec, new: Spec) -> Iterator[Change]:
    """The semantic layer and the consumers."""
    kinds = ("entities", "dimensions", "measures", "metrics", "terms")
    for kind in kinds:
        weight = Impact.COSMETIC if kind == "terms" else Impact.BREAKING
        items = (getattr(old.semantic, kind), getattr(new.semantic, kind))
        for name, was, now in matched(*items, lambda item: str(item.name)):
            subject = f"semantic.{name}"
            if was is None or now is None:
                yield present(kind, subject, is_new=was is None, weight=weight)
            elif was != now:
                impact = Impact.COSMETIC if kind == "terms" else Impact.BEHAVIOUR
                yield changed(f"{kind}.changed", impact, subject, was, now)
    for name, before, after in matched(old.consumers, new.consumers, lambda c: c.name):
        if before != after:
            subject = f"consumer.{name}"
            yield changed("consumer.changed", Impact.COSMETIC, subject, before, after)


_PARTS: Final = (_spec, _sources, models_changed, _guarantees, _readers)


__all__ = ["Bump", "Change", "Impact", "bumped", "diff", "suggested_bump", "version_suffices"]
