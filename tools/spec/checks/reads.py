"""What models read: something that exists, from no layer above, with a key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tools.findings import Finding, Severity
from tools.spec.checks.view import ModelView, SpecView
from tools.spec.edges import reads
from tools.spec.suggest import did_you_mean

_RANK: Final = {"staging": 0, "intermediate": 1, "marts": 2}


def exists(view: ModelView) -> Iterator[Finding]:
    """SPEC013: ``from`` or ``to`` names nothing that is declared."""
    for path, reference in reads(view.model):
        if view.of.table(reference) is None:
            yield view.find(
                "SPEC013",
                Severity.ERROR,
                f"{view.model.name} reads {reference}, which no spec declares",
                *path,
                hint=did_you_mean(reference, view.of.references)
                or "declare it under sources as source.table, or as a model",
            )


def layers(view: ModelView) -> Iterator[Finding]:
    """SPEC014: staging reads sources and staging, intermediate no marts."""
    model = view.model
    for path, reference in reads(model):
        read = view.of.made(reference)
        if read is not None and _RANK[read.layer] > _RANK[model.layer]:
            yield view.find(
                "SPEC014",
                Severity.ERROR,
                f"{model.name} ({model.layer}) reads {read.name} ({read.layer}), a layer above it",
                *path,
                hint=f"read what {read.name} reads, or move {model.name} to {read.layer}",
            )


def source_keys(of: SpecView) -> Iterator[Finding]:
    """SPEC015: a source table that is read, without a primary key."""
    used = {reference.lower() for m in of.spec.models for _, reference in reads(m)}
    for s, source in enumerate(of.spec.sources):
        for t, table in enumerate(source.tables):
            name = f"{source.name}.{table.name}"
            if name.lower() in used and not table.primary_key:
                yield of.find(
                    "SPEC015",
                    Severity.WARNING,
                    f"{name} declares no primary_key, so nothing tests that its rows are unique",
                    ("sources", s, "tables", t),
                    "declare primary_key",
                    name,
                )


def known_columns(view: ModelView) -> Iterator[Finding]:
    """SPEC017: columns that nobody declares: what is made of them cannot be checked."""
    for path, reference in reads(view.model):
        table = view.of.table(reference)
        if table is not None and not table.known:
            yield view.find(
                "SPEC017",
                Severity.QUESTION,
                f"the columns of {reference} are not known; assumed: every name used exists",
                *path,
                hint="declare columns, or put its DDL or data beside the spec",
            )


SPEC_RULES = (source_keys,)
MODEL_RULES = (exists, layers, known_columns)
