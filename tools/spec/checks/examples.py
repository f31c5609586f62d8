"""Examples: rows of tables that the model reads, and of columns that exist."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tools.findings import Finding, Severity
from tools.spec.checks.view import ModelView, has
from tools.spec.edges import Path, reads
from tools.spec.scope import Col
from tools.spec.suggest import did_you_mean


def given(view: ModelView) -> Iterator[Finding]:
    """SPEC070 and SPEC071: rows are given to tables that the model reads."""
    read = {reference.lower(): reference for _, reference in reads(view.model)}
    for i, example in enumerate(view.model.examples):
        for name, rows in example.given.items():
            path: Path = ("examples", i, "given", name)
            if name.lower() not in read:
                yield view.find(
                    "SPEC070",
                    Severity.ERROR,
                    f"example {example.name} gives rows of {name}, which {view.model.name} does "
                    "not read",
                    *path,
                    hint=did_you_mean(name, read.values()),
                    subject=example.name,
                )
                continue
            table = view.of.table(read[name.lower()])
            if table is not None and table.known:
                yield from _rows(view, example.name, path, rows, (name, table.columns))


def expected(view: ModelView) -> Iterator[Finding]:
    """SPEC071: rows are expected of columns that the model has."""
    for i, example in enumerate(view.model.examples):
        if not view.is_open:
            path: Path = ("examples", i, "expect")
            table = (view.model.name, view.table_columns)
            yield from _rows(view, example.name, path, example.expect, table)


def _rows(
    view: ModelView,
    example: str,
    path: Path,
    rows: Iterable[dict[str, object]],
    table: tuple[str, tuple[Col, ...]],
) -> Iterator[Finding]:
    name, columns = table
    for r, row in enumerate(rows):
        for key in row:
            if not has(columns, key):
                yield view.find(
                    "SPEC071",
                    Severity.ERROR,
                    f"example {example}: {name} has no column {key}",
                    *path, r, key,
                    hint=did_you_mean(key, [c.name for c in columns]),
                    subject=example,
                )  # fmt: skip


MODEL_RULES = (given, expected)
