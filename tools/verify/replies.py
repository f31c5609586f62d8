"""What the dbt process is asked and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Statement = str | Sequence[Any]
"""SQL text, or a pair of SQL text and the values of its parameters."""


@dataclass(frozen=True)
class Rows:
    """What a statement returned; numbers and booleans as such, everything else as text."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    def dicts(self) -> list[dict[str, Any]]:
        """The rows by column name."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True)
class DbtRun:
    """What a dbt command did.

    Args:
        success: whether dbt says so.
        error: what stopped the whole command, else empty.
        results: entries in the form of run_results.json; failing tests have a ``sample``,
            failing models what DuckDB says about their SQL in ``explained``.
        nodes: the nodes of the results, in the form of manifest.json.
        events: warnings and errors that dbt logged: name, level, message.
        listed: the names that ``dbt ls`` gives.
        seconds: wall-clock time in the worker.
        unit_tests: of the models that were compiled: name, model, given (relation, rows),
            expect, overrides; rows are None when they are SQL.
    """

    success: bool
    error: str = ""
    results: tuple[Mapping[str, Any], ...] = ()
    nodes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    events: tuple[Mapping[str, str], ...] = ()
    seconds: float = 0.0
    listed: tuple[str, ...] = ()
    unit_tests: tuple[Mapping[str, Any], ...] = ()
