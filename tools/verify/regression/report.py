"""What moved between two revisions of a pipeline, in a form that can be stored and shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

State = Literal["same", "moved", "added", "removed", "open"]
"""Of a model: ``open`` when it could not be compared and its code is not the same."""


@dataclass(frozen=True)
class Cells:
    """A small table of text, for people.

    Args:
        columns: their names.
        rows: the values as text; None is NULL.
        more: how many further rows there are.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str | None, ...], ...]
    more: int = 0


@dataclass(frozen=True)
class Witness:
    """The fewest rows found on which the two revisions part.

    Args:
        given: by load, what the sources hold: a table's name and its rows.
        before: rows that only the earlier revision gives.
        after: rows that only the present code gives.
        failed: of the side that fails, why: ``before`` or ``after``.
    """

    given: tuple[tuple[tuple[str, Cells], ...], ...]
    before: Cells
    after: Cells
    failed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ColumnMove:
    """A column of a model that is not as it was.

    Args:
        name: of the column.
        moved: how many values are others, of rows that both revisions give.
        compared: how many were compared.
        before: such a value, before.
        after: the same value, after.
        retyped: the type before and after; empty when it is the same.
        existence: ``added`` or ``removed``; empty when both revisions have it.
    """

    name: str
    moved: int = 0
    compared: int = 0
    before: str | None = None
    after: str | None = None
    retyped: tuple[str, str] | None = None
    existence: str = ""


@dataclass(frozen=True)
class ModelMove:
    """How a model of the present code compares with what it was.

    Args:
        name: of the model.
        state: see :data:`State`.
        same_code: whether its own code is the same; then what it reads has moved.
        rows_before: rows of all data sets, as the earlier revision gives them.
        rows_after: likewise, as the present code does.
        added: rows that only the present code gives.
        removed: rows that only the earlier revision gives.
        changed: rows that both give, with other values.
        keyed: whether rows could be told apart by a key.
        columns: those that are not as they were.
        fails: ``before`` or ``after`` -> why it cannot be run there, on how many data sets.
        witness: the rows that show it.
        follows: models that it reads and that moved, where its own code is the same.
    """

    name: str
    state: State
    same_code: bool = False
    rows_before: int = 0
    rows_after: int = 0
    added: int = 0
    removed: int = 0
    changed: int = 0
    keyed: bool = True
    columns: tuple[ColumnMove, ...] = ()
    fails: Mapping[str, str] = field(default_factory=dict)
    witness: Witness | None = None
    follows: tuple[str, ...] = ()


@dataclass(frozen=True)
class MetricMove:
    """A measure or metric of the spec's semantic part.

    Args:
        name: of it.
        kind: ``measure`` or ``metric``.
        state: as of a model.
        datasets: on how many data sets it is another number.
        compared: on how many it could be worked out in both revisions.
        before: its value on one of those, before.
        after: after.
        reason: why it could not be worked out.
    """

    name: str
    kind: str
    state: State
    datasets: int = 0
    compared: int = 0
    before: str | None = None
    after: str | None = None
    reason: str = ""


@dataclass(frozen=True)
class Regression:
    """The comparison of one pipeline.

    Args:
        pipeline: its name.
        revision: what it was compared with, as it was named.
        commit: the commit that this is; empty when nothing was compared.
        tree: where the present code lies, relative to the workspace.
        datasets: how many series of loads went through both.
        models: every model of either revision.
        metrics: every measure and metric of either revision.
        notes: what to know when reading this.
        seconds: how long it took.
    """

    pipeline: str
    revision: str
    commit: str
    tree: str = ""
    datasets: int = 0
    models: tuple[ModelMove, ...] = ()
    metrics: tuple[MetricMove, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def moved(self) -> bool:
        """Whether anything is not shown to be as it was."""
        states = [m.state for m in self.models] + [m.state for m in self.metrics]
        return any(state != "same" for state in states)

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return {"ok": not self.moved, **asdict(self)}
