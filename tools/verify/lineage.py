"""Which source tables a model reads, through other models, and which one its rows come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tools.spec.model import Spec
from tools.spec.transform import Model


def upstream_tables(spec: Spec, model: Model, others: Mapping[str, Spec]) -> frozenset[str]:
    """The source tables (``source.table``, lower case) that a model reads, directly or not."""
    found: set[str] = set()
    seen: set[str] = set()

    def visit(owner: Spec, at: Model) -> None:
        if at.name in seen:
            return
        seen.add(at.name)
        for ref in (at.from_, *(j.to for j in at.joins)):
            source = owner.source_table(ref)
            if source is not None:
                found.add(f"{source[0].name}.{source[1].name}".lower())
                continue
            home = owner if owner.model_named(ref) else others.get(ref)
            below = home.model_named(ref) if home else None
            if home is not None and below is not None:
                visit(home, below)

    visit(spec, model)
    return frozenset(found)


def row_models(spec: Spec, model: Model) -> tuple[Model, ...]:
    """The models between a model's rows and their source table, the model itself first."""
    chain = [model]
    while (below := spec.model_named(chain[-1].from_)) is not None and below not in chain:
        chain.append(below)
    return tuple(chain)


def rounds(changes: Sequence[tuple[str, str, frozenset[str]]]) -> list[list[str]]:
    """Groups of models whose sources can be changed at the same time.

    A model's rows must change through its own table only: a model that also reads the table that
    another one changes goes into another group.

    Args:
        changes: for each model its name, the table that is changed for it, and all that it reads.
    """
    groups: list[list[tuple[str, str, frozenset[str]]]] = []
    for item in changes:
        _, table, reads = item
        fits = (
            g
            for g in groups
            if all(
                table != other and table not in other_reads and other not in reads
                for _, other, other_reads in g
            )
        )
        group = next(fits, None)
        if group is None:
            groups.append([item])
        else:
            group.append(item)
    return [[name for name, _, _ in g] for g in groups]
