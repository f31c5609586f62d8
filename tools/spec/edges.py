"""What a model reads, the names that generated code gives itself, and cycles in any graph."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from tools.spec.transform import Model

Path = tuple[str | int, ...]


def reads(model: Model) -> tuple[tuple[Path, str], ...]:
    """What a model reads, with the path inside the model where it says so: ``from``, then joins."""
    joins = ((("joins", j, "to"), join.to) for j, join in enumerate(model.joins))
    return ((("from",), model.from_), *joins)


def staging_name(source: str, table: str) -> str:
    """The name of the staging model that is made for a source table that other layers read."""
    return f"stg_{_slug(source)}__{_slug(table)}"


def _slug(name: str) -> str:
    """As in :func:`tools.layout.slug`, which lies above and cannot be asked."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "table"


def changes_name(model: str) -> str:
    """The name of the change log behind an SCD2 model."""
    return f"int_{model}__changes"


def cycles(edges: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    """Cycles of a directed graph, each as ``(a, b, a)``; none exactly if the graph has none.

    A depth-first walk without recursion (a thousand specs in a row are no reason to fail), one
    cycle for each edge that leads back onto the walk. Time is linear in nodes and edges.
    """
    found: list[tuple[str, ...]] = []
    done: set[str] = set()
    for start in edges:
        trail: dict[str, None] = {}
        pending: list[tuple[str, Iterator[str]]] = []

        def enter(
            node: str,
            trail: dict[str, None] = trail,
            pending: list[tuple[str, Iterator[str]]] = pending,
        ) -> None:
            trail[node] = None
            pending.append((node, iter(edges.get(node, ()))))

        if start not in done:
            enter(start)
        while pending:
            node, targets = pending[-1]
            target = next(targets, None)
            if target is None:
                pending.pop()
                del trail[node]
                done.add(node)
            elif target in trail:
                walk = list(trail)
                found.append((*walk[walk.index(target) :], target))
            elif target not in done:
                enter(target)
    return found


__all__ = ["Path", "changes_name", "cycles", "reads", "staging_name"]
